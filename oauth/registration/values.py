"""Single values of client metadata: text that can be stored, URLs that can be used."""

import unicodedata
from typing import Final
from urllib.parse import urlsplit

from authplane.core.config import config
from authplane.core.fetch import FetchRefused, check_url

MAX_URL: Final = 2048


def is_plain_text(value: str) -> bool:
    """Text without control characters that the database can store."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return not any(unicodedata.category(character) == "Cc" for character in value)


def is_fetchable(value: object) -> bool:
    """A URL that our guarded fetch would try, as far as its text can tell."""
    if not isinstance(value, str) or len(value) > MAX_URL:
        return False
    try:
        check_url(value, allow_http=not config().cimd.require_https)
    except FetchRefused:
        return False
    return True


def is_web_url(value: object) -> bool:
    """An https URL that a page may link to."""
    if not isinstance(value, str) or len(value) > MAX_URL:
        return False
    try:
        check_url(value.partition("#")[0], allow_http=False)
    except FetchRefused:
        return False
    return value.isascii() and value.isprintable()


def scheme_of(uri: str) -> str:
    """The scheme of ``uri``; "" when it has none."""
    try:
        return urlsplit(uri).scheme
    except ValueError:
        return ""
