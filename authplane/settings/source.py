"""The variables that the settings are made from; the test settings replace them."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from authplane.core.loading import ConfigurationError, load

if TYPE_CHECKING:
    from collections.abc import Mapping

    from authplane.core.areas import Config

VARIABLES: Mapping[str, str] = os.environ


def configuration() -> Config:
    """The checked configuration; otherwise the process ends with every problem printed."""
    try:
        return load(VARIABLES)
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(78) from None
