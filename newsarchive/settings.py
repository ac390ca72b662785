"""Every setting, in the order in which an article is handled: look, fetch, extract, store, report.

Ours begin with `ARCHIVE_` or, for what is about one source, with its name. A value that differs from
Scrapy's default says why. Any of them can be overridden with `scrapy crawl qq -s NAME=value`.
"""

from importlib.metadata import version

from scrapy.settings import default_settings

from newsarchive.qq import lists

BOT_NAME = "newsarchive"
SPIDER_MODULES = ["newsarchive.spiders"]
SPIDER_LOADER_CLASS = "newsarchive.spiders.SourceLoader"  # finds those of other packages too
NEWSPIDER_MODULE = "newsarchive.spiders"
COMMANDS_MODULE = "newsarchive.commands"

# --- where the archive is
ARCHIVE_DIR = "output"  # relative to the folder of scrapy.cfg
ARCHIVE_LEDGER = ""  # "": ledger.sqlite in ARCHIVE_DIR; or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE
ARCHIVE_LEASE = 90.0  # seconds; a run that shares its ledger and gives no sign of life for so long counts as dead
ARCHIVE_OPEN = False  # `scrapy crawl` and `scrapy retry` turn it on; `scrapy shell`, `fetch` and `parse` only look

# --- where to look: another host may serve the same site; the Markdown still carries the canonical URL
QQ_CHANNELS = list(lists.CHANNELS)  # every text channel of news.qq.com, without the prefix news_news_
QQ_LIST_URL = "https://i.news.qq.com/web_feed/getPCList"
QQ_ARTICLE_URL = "https://new.qq.com/rain/a/{id}"
QQ_HOT_URL = "https://i.news.qq.com/gw/event/pc_hot_ranking_list"
QQ_ACCOUNT_URL = "https://i.news.qq.com/getSubNewsMixedList"
QQ_SITEMAP_URL = "https://news.qq.com/sitemap/index.xml"

# --- manners: we are guests
# honest; say who you are when you run it
USER_AGENT = f"newsarchive/{version('newsarchive')} (archives news articles as Markdown)"
ROBOTSTXT_OBEY = True  # default False
ROBOTSTXT_PARSER = "newsarchive.downloader.Robots"  # Scrapy's own, protected from files made to cost time
DOWNLOAD_DELAY = 0.5  # seconds between requests to one host; default 0
CONCURRENT_REQUESTS_PER_DOMAIN = 2  # default 8; with the delay: at most about two requests a second
CONCURRENT_REQUESTS = 4  # default 16; the site has three hosts
AUTOTHROTTLE_ENABLED = True  # default False: slower when the site is slow, never faster than DOWNLOAD_DELAY
AUTOTHROTTLE_START_DELAY = 0.5  # seconds; default 5
AUTOTHROTTLE_MAX_DELAY = 30.0  # seconds; default 60
COOKIES_ENABLED = False  # articles need none, and we are not tracked
DEFAULT_REQUEST_HEADERS = {
    "Accept": "text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8",
    "Accept-Encoding": "gzip",  # default also br, deflate and zstd; it is kept as it comes, for readers of WARC files
    "Accept-Language": "zh-CN,zh;q=0.9",
}

# --- trying again: the first retry waits ARCHIVE_BACKOFF, each further one twice as long
ARCHIVE_BACKOFF = 2.0  # seconds
RETRY_TIMES = 4  # default 2; waits 2, 4, 8 and 16 seconds
# default: without 505 to 520, 521 and 523; 567 is Tencent's "too many requests", 501 its firewall, which ends the crawl
RETRY_HTTP_CODES = [500, 502, 503, 504, 505, 507, 508, 510, 511, 520, 521, 522, 523, 524, 408, 429, 567]
RETRY_GIVE_UP_LOG_LEVEL = "DEBUG"  # default ERROR; the spider logs it once, with the consequence
DOWNLOAD_TIMEOUT = 60  # seconds; default 180

# --- safety of an unattended program
DOWNLOAD_VERIFY_CERTIFICATES = True  # default False
DOWNLOAD_MAXSIZE = 20 * 1024 * 1024  # bytes; default 1 GiB; an F5 page weighs 270 kB
DOWNLOAD_HANDLERS = {
    **dict.fromkeys(("ftp", "s3", "data")),  # only http and https, and files for `scrapy shell ./page.html`
    **dict.fromkeys(("http", "https"), "newsarchive.downloader.ArticleDownloadHandler"),
}
TELNETCONSOLE_ENABLED = False  # default True: a console that runs code
REMOTE_CONTROL_ENABLED = False  # default True: a server that runs code
METAREFRESH_ENABLED = False  # default True; articles have none; saves 0.13 ms a page
DOWNLOADER = "newsarchive.downloader.WaitingDownloader"  # what waits keeps no other host waiting
# without what Scrapy would load although it is turned off: a third of the time to start
DOWNLOADER_MIDDLEWARES_BASE = default_settings.DOWNLOADER_MIDDLEWARES_BASE.copy()
DOWNLOADER_MIDDLEWARES_BASE.pop("scrapy.downloadermiddlewares.cookies.CookiesMiddleware", None)
EXTENSIONS_BASE = default_settings.EXTENSIONS_BASE.copy()
EXTENSIONS_BASE.pop("scrapy.extensions.remote_control.RemoteControl", None)
DOWNLOADER_MIDDLEWARES = {
    "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": None,  # lets retried and redirected requests through
    "newsarchive.downloader.SiteHosts": 50,
    "newsarchive.downloader.Backoff": 560,  # just closer to the site than Retry (550), so it sees each answer first
    "newsarchive.downloader.Claims": 570,  # after a wait, in which another run may have been faster
    "scrapy.downloadermiddlewares.httpcompression.HttpCompressionMiddleware": None,
    "newsarchive.downloader.Unpack": 590,  # in its place
}

# --- the steps for a page, one verb each
ITEM_PIPELINES = {
    "newsarchive.pipelines.Preserve": 100,  # first: what cannot be read now can be read later
    "newsarchive.pipelines.Extract": 200,
    "newsarchive.pipelines.Revise": 400,  # before pictures: an unchanged article needs none
    "newsarchive.pipelines.Pictures": 500,
    "newsarchive.pipelines.Store": 600,  # last, and in it the ledger's row last
}
SCRAPER_SLOT_MAX_ACTIVE_SIZE = 1_000_000  # bytes; default 5,000,000: pages that wait here are lost when a run is killed
CONCURRENT_ITEMS = 4  # default 100, whose idle workers cost 0.7 ms a page
# its warning is for people who write spiders, and comes for Scrapy's own retries too
SPIDER_MIDDLEWARES = {"scrapy.spidermiddlewares.metacopy.MetaCopyDetectionMiddleware": None}
WARN_ON_GENERATOR_RETURN_VALUE = False  # default True; costs 0.08 ms a page and is for people who write spiders
DUPEFILTER_CLASS = "scrapy.dupefilters.BaseDupeFilter"  # the ledger knows what was asked for

ARCHIVE_PAGES = True  # keep every page as it came, in pages/*.warc.gz
ARCHIVE_MIN_TEXT = 10  # code points; a body with less and without picture or video is no article
ARCHIVE_FRONT_MATTER: list[str] = []  # fields after those of the reference format: of author, channels, …
ARCHIVE_PICTURES = False  # fetch pictures and link to them; off: the reference format, which links to the site
ARCHIVE_PICTURES_URL = "/pictures/"  # where the static site serves ARCHIVE_DIR/pictures
ARCHIVE_PICTURES_MAX_BYTES = 20 * 1024 * 1024  # bytes; a larger picture stays a link to the site
ARCHIVE_PICTURES_BACKLOG = 100  # articles archived without pictures that a run completes at its end

# --- what is looked at again
ARCHIVE_RECHECK_HOURS = [1, 6, 24, 72, 168, 720]  # hours after publication
ARCHIVE_RETRY_MINUTES = 30.0  # minutes until a failed article is tried again, then three times as long each time
ARCHIVE_MAX_TRIES = 8  # then an article is reported by `scrapy status` instead of tried

# --- reporting
EXTENSIONS = {
    "newsarchive.extensions.Run": 0,
    "newsarchive.extensions.Progress": 20,
}
ARCHIVE_CHANGES_DAYS = 90  # days; edits and removals of so many are in changes.json, of all for 0
ARCHIVE_METRICS = ""  # a file for Prometheus, relative to the folder of scrapy.cfg; "": none
ARCHIVE_PROGRESS = None  # a live line: None on a terminal only, True always, False never
FEED_EXPORT_ENCODING = "utf-8"  # of `-o` and `-O`; default: JSON with \uXXXX for each Chinese character
LOG_LEVEL = "WARNING"  # default DEBUG; every line from here on means something to the person who runs it
LOG_FORMATTER = "newsarchive.extensions.LogLines"  # Scrapy's own writes a whole page into the log
LOGSTATS_INTERVAL = 0.0  # default 60 seconds; the live line shows it
LOG_FORMAT = "%(asctime)s %(levelname)s %(message)s"
LOG_DATEFORMAT = "%Y-%m-%d %H:%M:%S %Z"  # default without the zone
