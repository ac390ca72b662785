"""The front matter of a document, also of one edited by hand."""

from __future__ import annotations

import frontmatter
import yaml


def front_matter(document: str) -> dict[str, object]:
    """The fields of a document; none where there is no front matter.

    Raises:
        ValueError: it cannot be read; YAML has many errors for that.
    """
    try:
        return dict(frontmatter.loads(document).metadata)
    except (yaml.YAMLError, LookupError, AttributeError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(str(error) or type(error).__name__) from error
