"""Scrapy extensions of ours."""
