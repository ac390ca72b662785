"""The sources: each is a package that knows the pages of one site.

Those of this project are folders beside this file. Others are packages of their own, found by their entry point.
"""

import pkgutil
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from newsarchive.errors import BadArgument
from newsarchive.items import Article
from newsarchive.messages import printable

GROUP = "newsarchive.sources"
_OURS = sorted(path.parent.name for path in Path(__file__).parent.glob("*/pages.py"))
SOURCE_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")
"""It is also a folder's name, and begins the names of the source's settings."""


def reader(source: str) -> Callable[..., Article]:
    """The source's own `read_article`, with the same arguments.

    Raises `BadArgument` when there is no such source, or when its package cannot be loaded.
    """
    name = "pages:read_article"
    read: Callable[..., Article]
    read = pkgutil.resolve_name(f"newsarchive.{source}.{name}") if source in _OURS else load(source, name)
    return read


@cache  # it looks at every installed distribution
def installed() -> dict[str, list[EntryPoint]]:
    """The sources outside of this project by name, usable or not. More than one of a name is a clash."""
    found = defaultdict[str, list[EntryPoint]](list)
    for each in sorted(entry_points(group=GROUP), key=lambda each: each.name):
        found[each.name].append(each)
    return dict(found)


def source_of_setting(name: str) -> str:
    """The source that has such settings, or `archive` for those of every source; `""` for any other setting.

    A source's name may begin with another's: `QQ_SPORTS_SITE` is of `qq_sports`, if that is installed, and not of `qq`.
    """
    sources = [each for each in ("archive", *_OURS, *installed()) if name.upper().startswith(f"{each.upper()}_")]
    return max(sources, key=len, default="")


def load(source: str, name: str) -> Any:
    """What `name`, like `pages:read_article`, is in the package of an installed source. Raises `BadArgument`."""
    entries = installed().get(source, [])
    if not entries:
        raise BadArgument(f"no source named {source!r}: expected one of {', '.join([*_OURS, *installed()])}")
    packages = sorted(entry.dist.name if entry.dist else entry.value for entry in entries)
    problem = f"the source {source} of {' and '.join(packages)} cannot be used"
    if not SOURCE_NAME.fullmatch(source):
        raise BadArgument(f"{problem}: expected a name of at most 31 lower-case letters, digits and _, a letter first")
    if source in ("archive", *_OURS):  # settings begin with ARCHIVE_ that are of no source
        raise BadArgument(f"{problem}: newsarchive itself uses that name")
    if len(entries) > 1:
        raise BadArgument(f"{problem}: uninstall all but one of them")
    try:
        return pkgutil.resolve_name(f"{entries[0].module}.{name}")
    except (Exception, SystemExit) as error:  # the package may do anything
        raise BadArgument(f"{problem}: {printable(f'{type(error).__name__}: {error}')}") from error


def installed_folders() -> Iterator[Path]:
    """The folder of each installed source that can be used."""
    for source in installed():
        with suppress(BadArgument):
            yield Path(load(source, "pages:__file__")).parent
