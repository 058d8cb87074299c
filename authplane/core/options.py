"""The one command-line option that must be understood before Django starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import MutableMapping

OPTION = "--config"


def take_config_option(arguments: list[str], *, environment: MutableMapping[str, str]) -> list[str]:
    """Return ``arguments`` without ``--config``; its value is in ``AUTHPLANE_CONFIG`` afterwards.

    Raises: SystemExit when the option has no value.
    """
    remaining: list[str] = []
    pending = iter(arguments)
    for argument in pending:
        if argument == OPTION:
            value = next(pending, "")
        elif argument.startswith(f"{OPTION}="):
            value = argument.partition("=")[2]
        else:
            remaining.append(argument)
            continue
        if not value:
            message = f"{OPTION} needs the path of a YAML file"
            raise SystemExit(message)
        environment["AUTHPLANE_CONFIG"] = value
    return remaining
