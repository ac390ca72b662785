"""HTTP response headers as plain text."""

from __future__ import annotations

from scrapy.http import Headers


def header_pairs(headers: Headers) -> tuple[tuple[str, str], ...]:
    r"""Name and value of each header in order; Scrapy's own `to_tuple_list` fails at bytes that are no UTF-8.

    >>> header_pairs(Headers({"ETag": b'"\xe9"'}))
    (('Etag', '"é"'),)
    """
    return tuple(
        (name.decode("latin-1"), value.decode("latin-1")) for name, values in headers.items() for value in values
    )
