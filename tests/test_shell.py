"""What a person meets in the shell: help, the list of commands, completion, the man page."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path

import pytest
from scrapy.cmdline import execute
from scrapy.settings import Settings
from scrapy.utils.conf import arglist_to_dict

from demo.crawl import PROJECT
from newsarchive.__main__ import commands, main
from newsarchive.cli import ArchiveCommand, documentation
from newsarchive.commands.crawl import Command as Crawl
from newsarchive.spiders.qq import QQSpider

OURS = {name: it for name, it in commands("newsarchive.commands").items() if isinstance(it, ArchiveCommand)}


def output(line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """What a command of Scrapy's program prints that ends with 0."""
    monkeypatch.chdir(PROJECT)
    monkeypatch.setenv("SCRAPY_SETTINGS_MODULE", "newsarchive.settings")
    monkeypatch.setattr(sys, "argv", line.split())
    with pytest.raises(SystemExit) as exit_:
        execute()
    out, err = capsys.readouterr()
    assert (exit_.value.code, err) == (0, "")
    return out


@pytest.mark.parametrize("line", ["scrapy crawl qq -h", "scrapy crawl -h", "scrapy crawl nonsense --help"])
def test_the_help_of_a_crawl_explains_the_arguments(
    line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = " ".join(output(line, monkeypatch, capsys).split())
    assert " arguments of qq: Each is given as -a NAME=VALUE. " in shown
    for name, argument in QQSpider.arguments.items():
        default = f" (default: {argument.default})" if argument.default else ""
        assert f" {name} {argument.meaning}{default}" in shown


@pytest.mark.parametrize("name", OURS)
def test_the_help_of_a_command_has_examples_and_names_the_documentation(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = output(f"scrapy {name} -h", monkeypatch, capsys)
    assert shown.endswith(f"\nDocumentation: {documentation()}\n")
    assert documentation().startswith("https://")
    assert OURS[name].examples
    assert all(f"\n  {example}\n" in shown for example in OURS[name].examples)


@pytest.mark.parametrize("example", [each for command in OURS.values() for each in command.examples])
def test_an_example_is_accepted(example: str, tmp_path: Path) -> None:
    _, name, *words = shlex.split(example.partition(" > ")[0])
    command = commands("newsarchive.commands")[name]
    assert isinstance(command, ArchiveCommand)
    (tmp_path / "ledger.sqlite").touch()
    command.settings.set("ARCHIVE_DIR", str(tmp_path))
    parser = ArgumentParser(conflict_handler="resolve")
    command.add_options(parser)
    options, rest = parser.parse_known_args(words)
    options.spargs = arglist_to_dict(getattr(options, "spargs", []))
    if name == "retry":
        rest = rest or ["qq"]
    command.check(rest, options)


HAIGANG = """
from newsarchive.spiders.base import NUMBER, Argument, ArchiveSpider

class Haigang(ArchiveSpider):
    name = "haigang"
    arguments = ArchiveSpider.arguments | {"isles": Argument(NUMBER, "100% of so many isles", "7")}
"""


@pytest.mark.parametrize(("word", "sections"), [("haigang", ["haigang"]), ("crawl", ["haigang", "qq"])])
def test_a_spider_of_another_source_shows_its_own_arguments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str, sections: list[str]
) -> None:
    (tmp_path / "haigang_spider.py").write_text(HAIGANG, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    command, parser = Crawl(), ArgumentParser()
    command.settings = Settings({"SPIDER_MODULES": ["newsarchive.spiders", "haigang_spider"]})
    command.explain(parser, [word])
    shown = parser.format_help()
    assert [name for name in ("haigang", "qq") if f"arguments of {name}:" in shown] == sections
    assert "100% of so many isles (default: 7)" in shown
    assert ("(Beijing time)" in " ".join(shown.split())) == ("qq" in sections)


def test_the_program_alone_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    shown = capsys.readouterr().out
    for name, command in OURS.items():
        assert f"  scrapy {name:<12}{command.short_desc()}\n" in shown
    assert shown.endswith(f"Documentation: {documentation()}\n")


@pytest.mark.parametrize(
    ("words", "expected"),
    [(["nonsense"], "invalid choice: 'nonsense'"), (["completion", "csh"], "choose from"), (["init"], "required: DIR")],
)
def test_a_wrong_word_is_named(words: list[str], expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(words)
    assert exit_.value.code == 2
    assert expected in capsys.readouterr().err.splitlines()[-1]


# completion


def script(shell: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    pytest.importorskip("shtab", reason="shtab is not installed: the extra `shell` has it")
    assert main(["completion", shell]) == 0
    file = folder / "completion"
    file.write_text(capsys.readouterr().out, encoding="utf-8")
    return file


COMPLETED = {
    "scrapy stat": {"status"},
    "scrapy crawl q": {"qq"},
    "scrapy crawl qq -a s": {"since=", "sitemap="},
    "scrapy crawl qq -a pages = 2 -a l": {"limit="},  # Bash divides a line so
    "scrapy changes --s": {"--set", "--since", "--source"},
    "scrapy report --lang ": {"en", "zh"},
    "newsarchive i": {"init"},
    "newsarchive completion ": {"bash", "zsh"},
}


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
def test_bash_completes_commands_options_and_arguments(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = script("bash", tmp_path, capsys)
    asked = [f"source {file}"]
    for line in COMPLETED:
        words = line.split(" ")
        function = f"$(complete -p {words[0]} | sed 's/.*-F //; s/ .*//')"
        listed = " ".join(map(shlex.quote, words))
        asked.append(f'COMP_WORDS=({listed}); COMP_CWORD={len(words) - 1}; {function}; echo "${{COMPREPLY[@]}}"')
    bash = ["bash", "--norc", "-c", "\n".join(asked)]
    done = subprocess.run(bash, capture_output=True, text=True, timeout=60, check=True)
    assert [set(line.split()) for line in done.stdout.splitlines()] == list(COMPLETED.values())


@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")
def test_zsh_reads_the_script(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = script("zsh", tmp_path, capsys)
    lines = f'autoload -U compinit; compinit -D; eval "$(<{file})"; echo $_comps[scrapy] $_comps[newsarchive]'
    done = subprocess.run(["zsh", "-f", "-c", lines], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("_shtab_scrapy _shtab_newsarchive\n", "")


# the man page


def test_the_man_page_says_what_the_help_says(capsys: pytest.CaptureFixture[str]) -> None:
    if not shutil.which("groff"):
        pytest.skip("groff is not installed")
    assert main(["man"]) == 0
    groff = ["groff", "-man", "-Tascii", "-P-cbou", "-ww"]
    page = capsys.readouterr().out
    done = subprocess.run(groff, input=page, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    shown = " ".join(done.stdout.split())
    for command in OURS.values():
        assert command.short_desc() in shown
        assert all(example in shown for example in command.examples)
    assert all(argument.meaning in shown for argument in QQSpider.arguments.values())
    assert shown.count("--loglevel LEVEL") == 1
