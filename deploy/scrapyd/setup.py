"""The egg that `scrapyd-deploy` makes: one module and where it is."""

from setuptools import setup

setup(
    name="archive-settings",
    version="1",
    py_modules=["archive_settings"],
    entry_points={"scrapy": ["settings = archive_settings"]},
)
