"""The project's Scrapy commands."""
