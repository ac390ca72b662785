"""Crawls through a real forward proxy, tinyproxy."""

from __future__ import annotations

import gzip
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from scrapy.settings import Settings

from demo.crawl import FAST, PROJECT, Result, command, finish, site_settings, start
from demo.site import Site
from newsarchive.archive.ledger import Ledger
from newsarchive.errors import BadArgument
from newsarchive.options import check_proxies
from tests.conftest import DemoSite, finished, slow, until

SECRET = "hunter2"
NAME = "news.invalid"
"""A host that only the proxy finds."""
ARTICLE = "20261104A05T2Q00"

Proxy = Callable[..., tuple[str, Path]]


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    """Starts a tinyproxy with these lines in its settings; where it listens, and its log."""
    program = shutil.which("tinyproxy")
    if not program:
        pytest.skip("no tinyproxy: apt-get install tinyproxy")
    started = list[subprocess.Popen[bytes]]()

    def run(*lines: str) -> tuple[str, Path]:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        log, settings = tmp_path / "proxy.log", tmp_path / "proxy.conf"
        usual = (f"Port {port}", "Listen 127.0.0.1", "Timeout 60", f'LogFile "{log}"', "LogLevel Connect")
        settings.write_text("\n".join((*usual, *lines, "")))
        process = subprocess.Popen([program, "-d", "-c", settings], stdout=subprocess.DEVNULL)
        started.append(process)
        until(lambda: answers(port) or process.poll() is not None, "tinyproxy to listen")
        assert process.poll() is None
        return f"127.0.0.1:{port}", log

    yield run
    for process in started:
        process.terminate()
        process.wait(60)


def answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def crawl(archive: Path, url: str, *arguments: str, environment: dict[str, str], **settings: object) -> Result:
    """All but the proxy is as in other tests, where this machine is asked without one."""
    line = command("crawl qq", archive, *arguments, **{**site_settings(url), **FAST, "RETRY_TIMES": 1, **settings})
    without = {"no_proxy": "", "NO_PROXY": ""}
    return finish(start(line, **(without | environment)), archive)


def test_lists_pages_pictures_and_robots_txt_come_through_it(
    proxy: Proxy, new_site: Callable[..., DemoSite], tmp_path: Path, tree: Any
) -> None:
    site, archive = new_site(local_pictures=True), tmp_path / "archive"
    address, log = proxy(f"BasicAuth me {SECRET}", f'upstream http 127.0.0.1:{site.port} "{NAME}"')
    site.site.base = f"http://{NAME}"  # of its pictures
    result = crawl(
        archive,
        f"http://{NAME}",
        environment={"http_proxy": f"http://me:{SECRET}@{address}"},
        ARCHIVE_PICTURES=True,
        LOG_LEVEL="DEBUG",
        AUTOTHROTTLE_ENABLED=True,
        AUTOTHROTTLE_START_DELAY=0,
        AUTOTHROTTLE_DEBUG=True,
    )
    assert result.returncode == 0, result
    counts = result.status["last_run"]["counts"]
    assert counts["article/new"] == len(site.site.articles())
    assert counts["picture/stored"] > 0
    assert "picture/failed" not in counts
    slots = set(re.findall(r"slot: (\S+)", result.stderr))
    assert slots == {NAME}, "delays are the site's, not the proxy's"
    for path in ("/robots.txt", "/web_feed/getPCList", f"/rain/a/{ARTICLE}", "/pic/"):
        assert f"http://{NAME}{path}" in log.read_text(), path
    assert SECRET not in result.stdout + result.stderr
    for name, data in tree(archive).items():
        text = gzip.decompress(data) if name.endswith(".gz") else data
        assert SECRET.encode() not in text, name
        assert b"proxy-authorization" not in text.lower(), name


REFUSED = {
    "user wanted": ("http", ("BasicAuth me other",), "HTTP status 407"),
    "host forbidden": ("http", ('Filter "{filter}"',), "HTTP status 403"),
    "user wanted, https": ("https", ("BasicAuth me other",), "'status': 407"),
    "port forbidden, https": ("https", ("ConnectPort 1",), "'status': 403"),
    "host unknown to the proxy, https": ("https", (), "'status': 50"),
}


@pytest.mark.parametrize(
    "what",
    [
        "user wanted",
        slow("host forbidden"),
        "user wanted, https",
        slow("port forbidden, https"),
        slow("host unknown to the proxy, https"),
    ],
)
def test_one_that_refuses_is_a_site_out_of_reach(proxy: Proxy, tmp_path: Path, what: str) -> None:
    scheme, lines, said = REFUSED[what]
    (tmp_path / "filter").write_text(NAME)
    address, _ = proxy(*(line.format(filter=tmp_path / "filter") for line in lines))
    environment = {f"{scheme}_proxy": f"http://{address}"}
    archive = tmp_path / "archive"
    result = crawl(archive, f"{scheme}://{NAME}", "-a", f"urls={ARTICLE}", environment=environment)
    assert result.returncode == 3, result
    assert f"{ARTICLE}: not fetched: " in result.stderr
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    with Ledger.open(archive / "ledger.sqlite", read_only=True, folder=archive) as ledger:
        assert {state.value: number for state, number in ledger.counts_by_state().items() if number} == {"failed": 1}


@pytest.fixture
def https_site(tmp_path: Path) -> Iterator[tuple[DemoSite, Path]]:
    """The demo site with TLS, and the certificate of the authority that has signed for it."""
    now, key = datetime.now(UTC), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A company's own authority")])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    made = made.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
    certificate, both = tmp_path / "authority.pem", tmp_path / "server.pem"
    certificate.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    both.write_bytes(secret + certificate.read_bytes())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(both)
    site = DemoSite(Site(filler=2_000), tls=context)
    site.start()
    yield site, certificate
    site.stop()


@pytest.mark.parametrize("is_trusted", [True, False])
def test_certificates_are_checked_through_it(
    proxy: Proxy, https_site: tuple[DemoSite, Path], tmp_path: Path, is_trusted: bool
) -> None:
    (site, authority), (address, log) = https_site, proxy()
    environment = {"https_proxy": f"http://{address}"} | ({"SSL_CERT_FILE": str(authority)} if is_trusted else {})
    archive = tmp_path / "archive"
    result = crawl(archive, site.url, "-a", f"urls={ARTICLE}", environment=environment)
    assert f"CONNECT 127.0.0.1:{site.port}" in log.read_text()
    if is_trusted:
        assert (result.returncode, result.stderr) == (0, ""), result
        assert len(list(archive.glob("content/*/*/*/*.md"))) == 1
    else:
        assert result.returncode == 3, result
        assert "certificate verify failed" in result.stderr
        assert not list(archive.glob("content/*/*/*/*.md"))


# proxies that cannot be used


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """One without a word about proxies."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("https_proxy", f"https://me:{SECRET}@proxy:3128"),
        ("https_proxy", f"me:{SECRET}@proxy:3128"),
        ("https_proxy", f"http://me:{SECRET}@"),
        ("https_proxy", f"http://me:{SECRET}/proxy:3128"),
        ("https_proxy", f"http:/me:{SECRET}@proxy:3128"),
        ("http_proxy", f"http://me:{SECRET}密@proxy:3128"),
        ("HTTP_PROXY", f"socks5://me:{SECRET}@proxy:1080"),
    ],
)
def test_an_unusable_proxy_is_refused(environment: pytest.MonkeyPatch, variable: str, value: str) -> None:
    environment.setenv(variable, value)
    name = variable.lower()
    with pytest.raises(BadArgument, match=rf"\({name}\): expected http://HOST:PORT") as raised:
        check_proxies(Settings(), [NAME])
    assert SECRET not in str(raised.value)

    check_proxies(Settings({"HTTPPROXY_ENABLED": False}), [NAME])
    environment.setenv("no_proxy", NAME)
    check_proxies(Settings(), [NAME])


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("https_proxy", f"http://me:{SECRET}/?#@proxy:3128"),
        ("https_proxy", "http://me:12/34@proxy:3128/"),
        ("https_proxy", "HTTP://proxy"),
        ("http_proxy", "proxy:3128"),
        ("http_proxy", "https://proxy:3128"),
        ("ftp_proxy", "socks5://proxy:1080"),
    ],
)
def test_a_proxy_that_scrapy_can_use_is_accepted(environment: pytest.MonkeyPatch, variable: str, value: str) -> None:
    environment.setenv(variable, value)
    check_proxies(Settings(), [NAME])


def test_a_password_may_have_any_characters_in_the_encoding_that_is_set(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("https_proxy", "http://me:%E5%AF%86@proxy:3128")
    check_proxies(Settings({"HTTPPROXY_AUTH_ENCODING": "utf-8"}), [NAME])
    with pytest.raises(BadArgument):
        check_proxies(Settings(), [NAME])


def test_commands_that_would_use_it_end_with_one_line_and_2(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.setenv("http_proxy", f"socks5://me:{SECRET}@proxy:1080")
    archive = tmp_path / "archive"
    nowhere = {**site_settings(f"http://{NAME}"), **FAST, "ROBOTSTXT_OBEY": False, "RETRY_TIMES": 0}
    save = (f"http://{NAME}/rain/a/{ARTICLE}", "one", "--to", str(tmp_path / "pages"))
    for name, words in {"crawl qq": ("-a", f"urls={ARTICLE}"), "savepage": save}.items():
        result = finished(command(name, archive, *words, **nowhere), archive, timeout=60)
        assert result.returncode == 2, result
        (line,) = result.stderr.splitlines()
        assert f"{name.split()[0]}: the proxy for http (http_proxy): expected http://HOST:PORT" in line
        assert SECRET not in line
    assert not archive.exists()


def test_commands_without_network_ignore_it(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.setenv("http_proxy", "socks5://proxy:1080")
    Ledger.open(tmp_path / "ledger.sqlite").close()
    retry = finished(command("retry", tmp_path), tmp_path)
    assert (retry.returncode, retry.stdout) == (0, "Nothing in quarantine.\n"), retry
    page = PROJECT / "tests" / "pages" / "qq" / "F5" / "gif" / "page.html"
    replay = finished(command("crawl qq", tmp_path, "-a", f"replay={page}"), tmp_path)
    assert replay.returncode == 0, replay
    saved = finished(command("savepage", tmp_path, str(page), "gif", "--to", str(tmp_path / "pages")), tmp_path)
    assert saved.returncode == 0, saved
