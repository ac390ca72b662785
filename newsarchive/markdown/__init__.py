"""Converts article HTML to Markdown, and an article to a complete file. No disk, no network, no clock."""
