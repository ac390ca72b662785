"""The program `newsarchive`: a folder for an archive, the list of commands, their man page and completion."""

import argparse
import atexit
import pkgutil
import re
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from scrapy.commands import ScrapyCommand
from scrapy.settings import Settings
from scrapy.spiderloader import get_spider_loader

from newsarchive import settings as our_settings
from newsarchive.cli import ArchiveCommand, discard_unwritable_output, documentation
from newsarchive.errors import BadArgument, cause
from newsarchive.health.status import MEANINGS

ABOUT = "Archive news articles as Markdown files that can be trusted for years."


def main(arguments: Sequence[str] | None = None) -> int:
    atexit.register(discard_unwritable_output)
    parser = own_parser()
    found = parser.parse_args(arguments)
    try:
        match found.command:
            case "init":
                make_archive_folder(found.folder)
                print(READY.format(folder=found.folder))
            case "completion":
                print(completion(found.shell))
            case "man":
                print("\n".join(man_page()))
            case _:
                parser.print_help()
        sys.stdout.flush()
    except BrokenPipeError:  # such as of `newsarchive man | head`
        return 141
    except (BadArgument, OSError) as error:
        problem = str(error)
        if isinstance(error, OSError):
            problem = f"{error.filename}: {cause(error)}" if error.filename else cause(error)
        print(f"newsarchive: {problem}", file=sys.stderr)
        return 2
    return 0


def own_parser() -> argparse.ArgumentParser:
    lines = [f"  scrapy {name:<12}{command.short_desc()}" for name, command in commands("newsarchive.commands").items()]
    where = f"Documentation: {documentation()}"
    epilog = ["in that folder:", *lines, "  scrapy COMMAND -h says more about each.", "", where]
    parser = argparse.ArgumentParser(
        prog="newsarchive",
        description=ABOUT,
        epilog="\n".join(epilog),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-V", "--version", action="version", version=version("newsarchive"))
    each = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    init = each.add_parser("init", help="make a folder in which `scrapy crawl qq` works")
    init.add_argument("folder", metavar="DIR", type=Path, help="new, or without an archive's files")
    shell = each.add_parser("completion", help="print a script that completes these commands in a shell")
    shell.add_argument("shell", choices=("bash", "zsh"))
    each.add_parser("man", help="print the man page of all these commands")
    for name, example in {"init": "init news", "completion": "completion bash", "man": "man > newsarchive.1"}.items():
        each.choices[name].description = f"Example: newsarchive {example}"
        each.choices[name].epilog = where
    return parser


# `newsarchive init`

READY = """\
{folder} is ready: scrapy.cfg, archive_settings.py (what people change) and output/ (the archive).
Next:  cd {folder}
       scrapy crawl qq -a channels=tech -a limit=5
       scrapy status"""

SCRAPY_CFG = """\
# `scrapy` looks for this file in the working folder and above; ARCHIVE_DIR is relative to its folder.
# The settings are those of archive_settings.py next to it.
[settings]
default = newsarchive.own_settings
"""

OWN_SETTINGS = """\
\"\"\"Your own settings: take the `#` away and change the value.

The documentation lists all of them: {documentation}
\"\"\"

from newsarchive.settings import *
"""

OFTEN_CHANGED = {
    "USER_AGENT": "who asks; put in an address where the site's operators can reach you",
    "QQ_CHANNELS": "the channels that are read when a run names none",
    "DOWNLOAD_DELAY": "seconds between two requests to one host",
    "ARCHIVE_DIR": "the archive's folder, relative to the folder of scrapy.cfg",
    "ARCHIVE_PAGES": "keep every page as received, compressed, for a better parser later",
    "ARCHIVE_PICTURES": "fetch the pictures too and link to the archive's copies in the Markdown",
}


def make_archive_folder(folder: Path) -> None:
    """Makes a folder in which `scrapy crawl qq` works. Raises `BadArgument` and `OSError`."""
    lines = [f"\n# {meaning}\n# {name} = {getattr(our_settings, name)!r}\n" for name, meaning in OFTEN_CHANGED.items()]
    own_settings = OWN_SETTINGS.format(documentation=documentation()) + "".join(lines)
    files = {folder / "scrapy.cfg": SCRAPY_CFG, folder / "archive_settings.py": own_settings}
    for path in files:
        if path.exists():
            raise BadArgument(f"{path} exists already: nothing was written")
    (folder / "output").mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        with path.open("x", encoding="utf-8") as file:
            file.write(text)


# the commands of Scrapy's program


def commands(package: str) -> dict[str, ScrapyCommand]:
    """By their name, with the settings of an archive in a folder of its own."""
    settings = Settings()
    settings.setmodule("newsarchive.settings")
    found = {}
    for module in pkgutil.iter_modules(import_module(package).__path__, f"{package}."):
        command: ScrapyCommand = import_module(module.name).Command()
        command.settings = settings
        found[module.name.rpartition(".")[2]] = command
    return found


# `name=` is completed without a space behind it, which shtab cannot do in Bash.
BASH = """
_newsarchive_arguments() {{ compgen -W "{names}" -- "$1"; }}
"""
BASH_NO_SPACE = """
_newsarchive_scrapy() { _shtab_scrapy "$@"; [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace 2>/dev/null; }
complete -o bashdefault -F _newsarchive_scrapy scrapy
"""
ZSH = """
_newsarchive_arguments() {{ compadd -S '' -- {names}; }}
"""


def completion(shell: str) -> str:
    """The script for all commands of `scrapy` in our folders, and of `newsarchive`. Raises `BadArgument`."""
    try:
        import shtab  # noqa: PLC0415  -- most people do without
    except ImportError:
        raise BadArgument("completion needs shtab: pip install 'newsarchive[shell]'") from None
    found = commands("scrapy.commands") | commands("newsarchive.commands")
    loader = get_spider_loader(found["crawl"].settings)  # type: ignore[arg-type]
    spiders = loader.list()
    arguments = [f"{name}=" for spider in spiders for name in getattr(loader.load(spider), "arguments", {})]
    scrapy = argparse.ArgumentParser(prog="scrapy")
    each = scrapy.add_subparsers()
    for name, command in found.items():
        parser = each.add_parser(name, help=command.short_desc(), conflict_handler="resolve")
        command.add_options(parser)
        if name in ("crawl", "retry"):
            parser.add_argument("spider", choices=spiders)
        for action in parser._actions:
            if action.dest == "spargs" and name == "crawl":
                complete: Any = dict.fromkeys(("bash", "zsh"), "_newsarchive_arguments")
            elif action.metavar in ("FILE", "PLACE", "FOLDER"):
                complete = shtab.DIR if action.metavar == "FOLDER" else shtab.FILE
            else:
                continue
            action.complete = complete  # type: ignore[attr-defined]  # where shtab looks
    names = " ".join(dict.fromkeys(arguments))
    preamble = (BASH if shell == "bash" else ZSH).format(names=names)
    scripts = [shtab.complete(scrapy, shell, preamble=preamble), shtab.complete(own_parser(), shell)]
    return "\n".join([*scripts, BASH_NO_SPACE if shell == "bash" else ""])


# the man page


def man_page() -> Iterator[str]:
    """Its lines: what `-h` says, each command after the other; the options that all have, once.

    Made from private parts of argparse, the same in Python 3.11 to 3.14: argparse-manpage leaves out the arguments of
    spiders and the examples.
    """
    yield f'.TH NEWSARCHIVE 1 "" "newsarchive {version("newsarchive")}"'
    yield from (".nh", ".ad l")  # no hyphens in what people copy
    yield from (".SH NAME", rf"newsarchive \- {_roff(ABOUT[0].lower() + ABOUT[1:].rstrip('.'))}", ".SH SYNOPSIS")
    found = {name: it for name, it in commands("newsarchive.commands").items() if isinstance(it, ArchiveCommand)}
    usages = {name: f"scrapy {name} {command.syntax()}" for name, command in found.items()}
    for usage in ("newsarchive init DIR", "newsarchive completion bash|zsh", "newsarchive man", *usages.values()):
        yield from (f".B {_roff(usage)}", ".br")
    yield from (".SH DESCRIPTION", _roff("newsarchive init makes a folder; the scrapy commands work in it."))
    every: list[argparse._ArgumentGroup] = []
    for name, command in found.items():
        parser = argparse.ArgumentParser(conflict_handler="resolve")
        command.add_options(parser)
        command.explain(parser, ())
        yield from (f".SH SCRAPY {name.upper()}", f".B {_roff(usages[name])}", ".PP", _roff(command.long_desc()))
        every = [group for group in parser._action_groups if group.title == "Global Options"]
        for group in parser._action_groups:
            if group not in every:
                yield from _group(parser, group)
        yield from (".SS Examples", ".nf", *map(_roff, command.examples), ".fi")
    yield ".SH OPTIONS OF EVERY SCRAPY COMMAND"
    for group in every:
        yield from _group(parser, group)
    yield ".SH EXIT STATUS"
    for code, meaning in MEANINGS.items():
        yield from (".TP", str(int(code)), _roff(meaning))
    yield from (".SH SEE ALSO", _roff(documentation()))


def _group(parser: argparse.ArgumentParser, group: "argparse._ArgumentGroup") -> Iterator[str]:
    """The options of a part of the help."""
    formatter = parser._get_formatter()
    if group.description:
        yield from (f".SS {_roff(str(group.title).capitalize())}", _roff(group.description))
    for action in group._group_actions:
        value = action.metavar or (f"{{{','.join(action.choices)}}}" if action.choices else action.dest.upper())
        value = "" if action.nargs == 0 else f" {value}"
        names = ", ".join(f"{option}{value}" for option in action.option_strings) or action.dest
        yield from (".TP", rf"\fB{_roff(names)}\fR", _roff(formatter._expand_help(action)))


def _roff(text: str) -> str:
    r"""Text in which nothing is a command of roff.

    >>> print(_roff(".html\n-a"))
    \&.html \-a
    """
    text = " ".join(text.split()).replace("\\", r"\e").replace("-", r"\-")
    return re.sub(r"^(?=[.'])", r"\\&", text)


if __name__ == "__main__":
    sys.exit(main())
