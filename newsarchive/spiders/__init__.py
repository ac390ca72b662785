"""Spiders: where to look for articles."""
