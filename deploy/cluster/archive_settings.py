"""Settings of the workers in compose.yaml. docs/settings.md of newsarchive lists all of them."""

from newsarchive.settings import *

ARCHIVE_DIR = "/archive"
ARCHIVE_LEDGER = "postgresql+psycopg://newsarchive@postgres/news"  # the password is in PGPASSWORD
