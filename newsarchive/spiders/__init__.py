"""Spiders: where to look."""
