"""The configuration in force: ``config().tokens.access_ttl``."""

from __future__ import annotations

import dataclasses
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.conf import settings

from authplane.core.areas import Config
from authplane.core.validation import is_localhost_issuer

if TYPE_CHECKING:
    from collections.abc import Iterator

_overridden: Config | None = None


def config() -> Config:
    """The configuration of this process."""
    return _overridden or _loaded()


@lru_cache(maxsize=1)
def _loaded() -> Config:
    """Django's settings look each name up in Python, which a request would pay for many times."""
    loaded: Config = settings.AUTHPLANE
    return loaded


@contextmanager
def override_config(**areas: dict[str, Any]) -> Iterator[Config]:
    """The configuration differs inside the block, in every thread: ``tokens={"access_ttl": 5}``.

    For tests. Bounds and rules are not checked, so that a test can reach what an operator cannot.
    """
    global _overridden  # noqa: PLW0603 - the one place where the process's configuration changes
    before = _overridden
    present = config()
    changed = {
        area: dataclasses.replace(getattr(present, area), **values)
        for area, values in areas.items()
    }
    _overridden = dataclasses.replace(present, **changed)
    try:
        yield _overridden
    finally:
        _overridden = before


def is_local() -> bool:
    """Whether the issuer is this machine itself."""
    return is_localhost_issuer(config().server.issuer)


__all__ = ["Config", "config", "is_local", "override_config"]
