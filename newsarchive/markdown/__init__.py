"""Article HTML to Markdown, and an article to the whole file. Pure."""
