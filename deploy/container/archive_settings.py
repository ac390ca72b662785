"""Settings of the container: compose.yaml puts this file into it. docs/settings.md of newsarchive lists all of them."""

from newsarchive.settings import *

ARCHIVE_DIR = "/archive"
