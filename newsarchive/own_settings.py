"""The settings in `archive_settings.py`, the settings file of a folder that `newsarchive init` has made.

`scrapy.cfg` names this module in its place: Scrapy reads the settings before any command begins, and would show a
traceback for a broken file.
"""

import sys
from importlib import import_module
from importlib.util import find_spec
from traceback import extract_tb
from types import ModuleType
from typing import Any


def __dir__() -> list[str]:
    """Called by Scrapy, for the names of the settings."""
    return dir(_archive_settings())


def __getattr__(name: str) -> Any:
    """Called by Scrapy, for a setting's value."""
    if not name.isupper():
        raise AttributeError(name)
    return getattr(_archive_settings(), name)


def _archive_settings() -> ModuleType:
    """Ends the process with one line and exit code 2 when the file is missing or broken."""
    found = find_spec("archive_settings")
    message = "there is no archive_settings.py beside scrapy.cfg: `newsarchive init` makes one in a new folder"
    if found and found.origin:
        try:
            return import_module("archive_settings")
        except Exception as error:  # noqa: BLE001  -- the file may hold anything
            what, places = str(error), [(frame.filename, frame.lineno) for frame in extract_tb(error.__traceback__)]
            if isinstance(error, SyntaxError):
                what = error.msg
                places.append((error.filename or "", error.lineno))
            lines = [f", line {line}" for file, line in places if file == found.origin] or [""]
            message = f"{found.origin}{lines[-1]}: {type(error).__name__}: {' '.join(what.split())}"
    print(f"scrapy: {message}", file=sys.stderr)
    sys.exit(2)
