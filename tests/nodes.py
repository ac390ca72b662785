"""Checkers that come from npm.

npm install --prefix FOLDER html-validate axe-core
export NEWSARCHIVE_NODE_MODULES=FOLDER/node_modules
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def node_module(path: str) -> Path:
    """A file of the installed checkers; skips the test without it."""
    found = Path(os.environ.get("NEWSARCHIVE_NODE_MODULES", "")) / path
    if not os.environ.get("NEWSARCHIVE_NODE_MODULES") or not found.exists():
        pytest.skip("no html-validate and axe-core: tests/nodes.py says how to install them")
    return found
