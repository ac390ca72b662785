"""`Containerfile` and the compose files, as far as they can be tried without a container engine."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from scrapy.settings import Settings

from demo.crawl import PROJECT
from newsarchive.options import Options, validate_settings
from tests.conftest import session

COMPOSE = sorted((PROJECT / "deploy").glob("*/compose.yaml"))
IMAGE = (PROJECT / "Containerfile").read_text("utf-8").replace("\\\n", " ")


@pytest.fixture(params=COMPOSE, ids=lambda path: path.parent.name)
def compose(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


def services(compose: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(compose.read_text("utf-8"))["services"])


def command(service: dict[str, Any]) -> list[str]:
    return [word.replace("$$", "$") for word in service["command"]]


def settings_of(compose: Path) -> Options:
    spec = importlib.util.spec_from_file_location("container_settings", compose.parent / "archive_settings.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    settings = Settings()
    settings.setmodule(module)
    validate_settings(settings)
    return Options.from_settings(settings)


def test_what_the_image_copies_exists() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", IMAGE, re.MULTILINE)
    assert copied
    for name in " ".join(copied).split():
        assert (PROJECT / name).exists(), name


def test_the_image_is_built_with_extras_that_exist() -> None:
    built = [service["build"] for path in COMPOSE for service in services(path).values() if "build" in service]
    assert built
    used = [each["args"]["EXTRAS"] for each in built if "args" in each] + re.findall(
        r"^ARG EXTRAS=(\S+)", IMAGE, re.MULTILINE
    )
    extras = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert {extra for each in used for extra in each.split(",")} <= extras.keys()


def test_services_use_volumes_files_and_services_that_exist(compose: Path) -> None:
    composed = yaml.safe_load(compose.read_text("utf-8"))
    for service in composed["services"].values():
        assert set(service.get("depends_on", ())) <= composed["services"].keys()
        for volume in service["volumes"]:
            source = volume["source"] if isinstance(volume, dict) else volume.partition(":")[0]
            assert source in composed["volumes"] or (compose.parent / source).is_file()
        if "build" in service:
            context = (compose.parent / service["build"]["context"]).resolve()
            assert (context / service["build"]["dockerfile"]).samefile(PROJECT / "Containerfile")


def test_the_archive_is_where_the_volume_is(compose: Path) -> None:
    volumes = services(compose)["crawl"]["volumes"]
    assert f"archive:{settings_of(compose).dir}" in volumes
    assert "./archive_settings.py:/settings/archive_settings.py:ro" in volumes


def test_the_settings_of_the_cluster_name_its_ledger() -> None:
    cluster = PROJECT / "deploy" / "cluster" / "compose.yaml"
    ledger, found = urlsplit(settings_of(cluster).ledger), services(cluster)
    database = found["postgres"]["environment"]
    assert ledger.hostname in found
    assert (ledger.username, ledger.path) == (database["POSTGRES_USER"], f"/{database['POSTGRES_DB']}")
    assert found["crawl"]["environment"]["PGPASSWORD"] == database["POSTGRES_PASSWORD"]
    know_it = {name for name, service in found.items() if "POSTGRES_PASSWORD" in str(service)}
    assert know_it == {"postgres", "crawl"}, "Dask runs what anybody sends it, and needs no ledger"


def test_services_can_write_to_their_volumes_only(compose: Path) -> None:
    for name, service in services(compose).items():
        if name != "postgres":  # begins as root, and then becomes another user
            assert (service["read_only"], service["tmpfs"], service["cap_drop"]) == (True, ["/tmp"], ["ALL"]), name
            assert service["security_opt"] == ["no-new-privileges:true"], name


def output(line: list[str], folder: Path, **programs: str) -> str:
    """What a container's command prints with programs of our own, one of which has to end it."""
    for name, text in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    environment = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"}
    with session(line, cwd=folder, env=environment) as container:
        return container.communicate(timeout=60)[0]


def test_a_crawling_container_is_stopped_in_good_order(compose: Path, tmp_path: Path) -> None:
    crawl = "trap 'echo ended in good order; exit' TERM\necho $@\nkill $PPID\nwhile :; do sleep 0.1; done"
    assert output(command(services(compose)["crawl"]), tmp_path, scrapy=crawl) == "crawl qq\nended in good order\n"


def test_a_crawling_container_says_exit_codes_and_crawls_again(compose: Path, tmp_path: Path) -> None:
    sleep = "echo sleep $@; echo x >> sleeps; [ $(wc -l < sleeps) -lt 2 ] || kill $PPID"
    printed = output(command(services(compose)["crawl"]), tmp_path, scrapy="exit 3", sleep=sleep)
    assert printed == "scrapy crawl qq: exit code 3\nsleep 1800\n" * 2


@pytest.fixture
def site() -> dict[str, Any]:
    return dict(services(PROJECT / "deploy" / "container" / "compose.yaml")["build-site"])


@pytest.mark.parametrize(
    ("make", "built"),
    [("echo built", "built\n" * 2), ("echo built; echo x >> builds; [ $(wc -l < builds) != 1 ]", "built\n" * 3)],
    ids=["each succeeds", "the first fails"],
)
def test_the_site_is_built_once_after_each_run_and_again_if_that_failed(
    site: dict[str, Any], tmp_path: Path, make: str, built: str
) -> None:
    if subprocess.run(["stat", "--version"], capture_output=True, check=False).returncode != 0:
        pytest.skip("stat and touch are not those of GNU, as in the image")
    line = [word.replace("/archive/", f"{tmp_path}/") for word in command(site)]
    # a run ends before the second look and before the fourth
    sleep = "echo x >> looks; n=$(wc -l < looks); case $n in 1|3) touch -d @$n status.json;; 6) kill $PPID;; esac"
    assert output(line, tmp_path, make=make, sleep=sleep) == built


def test_the_site_is_built_without_a_file_beside_its_sources(site: dict[str, Any], crawled: Path) -> None:
    image = crawled / "image"
    (image / "bin").mkdir(parents=True)
    for name in ("python", "hugo"):
        (image / "bin" / name).symlink_to(Path(sys.executable).parent / name)
    shutil.copy(PROJECT / "Makefile", image)
    shutil.copytree(PROJECT / "site", image / "site", ignore=shutil.ignore_patterns("public", "resources"))
    before = sorted(image.rglob("*"))

    [build] = re.findall(r"make .*?(?= &)", command(site)[-1])
    places = {"/archive": crawled, "/public": crawled / "public", "/resources": crawled / "resources"}
    environment = {name: str(places.get(value, value)) for name, value in site["environment"].items()}
    words = [re.sub(r"=(/\w+)$", lambda found: f"={places[found[1]]}", word) for word in build.split()]
    done = subprocess.run(words, cwd=image, env=os.environ | environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list((crawled / "public" / "qq").rglob("index.html"))) > 13
    assert sorted(image.rglob("*")) == before
