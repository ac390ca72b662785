"""Benchmarks, run by hand; some compare with other tools."""
