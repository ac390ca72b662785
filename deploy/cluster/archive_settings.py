"""Settings of the workers in compose.yaml. The README of newsarchive lists all of them."""

from newsarchive.settings import *

ARCHIVE_DIR = "/archive"
ARCHIVE_LEDGER = "postgresql+psycopg://newsarchive@postgres/news"  # the password is in PGPASSWORD
