"""Your own settings, sent to scrapyd with `scrapyd-deploy`. docs/settings.md of newsarchive lists all of them."""

from newsarchive.settings import *

ARCHIVE_DIR = "/var/lib/newsarchive/output"  # absolute: scrapyd runs its jobs where no scrapy.cfg is
