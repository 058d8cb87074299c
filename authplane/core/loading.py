"""From environment and YAML file to one checked ``Config``, or to every problem at once.

Precedence: defaults, then the file, then the environment.
"""

from __future__ import annotations

import dataclasses
import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from authplane.core import reserved
from authplane.core.areas import Config
from authplane.core.env import BadValue, from_environment, secret
from authplane.core.validation import rule_problems

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from authplane.core.areas.declare import Setting

DATA_KEY_POINTER = "AUTHPLANE_DATA_ENCRYPTION_KEY_ENV"
"""Names the variable that holds the data key, for deployments that keep it under another name."""

POINTERS = {
    "data_encryption.key": DATA_KEY_POINTER,
    "data_encryption.vault_transit_encrypt.token": "AUTHPLANE_DATA_ENCRYPTION_VAULT_TOKEN_ENV",
    "data_encryption.vault_transit_encrypt.approle.role_id": (
        "AUTHPLANE_DATA_ENCRYPTION_VAULT_ROLE_ID_ENV"
    ),
    "data_encryption.vault_transit_encrypt.approle.secret_id": (
        "AUTHPLANE_DATA_ENCRYPTION_VAULT_SECRET_ID_ENV"
    ),
}
"""Settings whose value may stand in a variable of another name, and what names that one."""

OWN_NAMES = frozenset({"AUTHPLANE_CONFIG", *POINTERS.values()})


class ConfigurationError(Exception):
    """The configuration cannot be used; ``problems`` says everything that is wrong with it."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        lines = [f"  {number}. {problem}" for number, problem in enumerate(problems, start=1)]
        super().__init__("\n".join(["The configuration cannot be used:", *lines]))


def declared() -> Iterator[tuple[str, dataclasses.Field[Any], Setting]]:
    """Each setting that can be given, with its area's name, in the order of declaration.

    Fields of features that are not there keep their default, which says so.
    """
    for area, kind in area_types().items():
        for member in dataclasses.fields(kind):
            if not reserved.absent_feature(member.metadata["setting"].variable):
                yield area, member, member.metadata["setting"]


def area_types() -> dict[str, Any]:
    """The dataclass of each area by its name."""
    return {area.name: area.default_factory for area in dataclasses.fields(Config)}


def load(environment: Mapping[str, str], *, check_rules: bool = True) -> Config:
    """The configuration that ``environment`` and the file it names describe.

    Raises: ConfigurationError with every problem found.
    """
    problems: list[str] = []
    document = _read_file(environment.get("AUTHPLANE_CONFIG", ""), problems)
    areas: dict[str, dict[str, Any]] = {}
    for area, member, known in declared():
        found, value = _look_up(known, environment, document, problems)
        if found:
            try:
                areas.setdefault(area, {})[member.name] = known.accept(value)
            except BadValue as error:
                problems.append(f"{known.name} {error}")
    problems.extend(_foreign_variables(environment))
    problems.extend(_foreign_keys(document))
    config = _normalise(
        Config(**{name: kind(**areas.get(name, {})) for name, kind in area_types().items()})
    )
    if check_rules:
        problems.extend(rule_problems(config))
    if problems:
        raise ConfigurationError(problems)
    return config


def _require_value(known: Setting, environment: Mapping[str, str]) -> None:
    """Raises: BadValue for a variable that is there and empty, where that cannot be meant."""
    if not known.empty_is_unset and environment.get(known.variable) == "":
        raise BadValue("is set and empty; give it a value, or remove it")


def _normalise(config: Config) -> Config:
    """The configuration with older spellings replaced by the present ones."""
    if config.signing.key_store == "postgres_key":
        signing = dataclasses.replace(config.signing, key_store="database")
        config = dataclasses.replace(config, signing=signing)
    return config


def _look_up(
    known: Setting,
    environment: Mapping[str, str],
    document: Mapping[str, Any],
    problems: list[str],
) -> tuple[bool, Any]:
    """Whether the setting was given, and the value as given."""
    try:
        value = None
        _require_value(known, environment)
        if known.variable:
            value = from_environment(known.variable, environment, may_be_file=known.secret)
        named_by = POINTERS.get(known.key, "")
        if value is None and environment.get(named_by):
            value = _pointed_at(named_by, environment)
    except BadValue as error:
        problems.append(f"{known.name} {error}")
        return False, None
    if value is not None:
        return True, value
    node: Any = document
    for part in known.key.split("."):
        if not isinstance(node, dict) or part not in node:
            return False, None
        node = node[part]
    return node is not None, secret(node) if known.secret and isinstance(node, str) else node


def _pointed_at(named_by: str, environment: Mapping[str, str]) -> str:
    """The value of the variable that the variable ``named_by`` names.

    Raises: BadValue.
    """
    pointer = environment[named_by]
    value = environment.get(pointer)
    if not value:
        raise BadValue(f"is empty: {named_by} names {pointer}, which is not set")
    return value


def _read_file(path: str, problems: list[str]) -> dict[str, Any]:
    """The parsed file; empty when none is named."""
    if not path:
        return {}
    try:
        document = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"AUTHPLANE_CONFIG: {path} cannot be read: {type(error).__name__}")
        return {}
    except yaml.YAMLError:
        problems.append(f"AUTHPLANE_CONFIG: {path} is not valid YAML")
        return {}
    if document is None:
        return {}
    if not isinstance(document, dict):
        problems.append(f"AUTHPLANE_CONFIG: {path} must hold a mapping")
        return {}
    return document


def _foreign_variables(environment: Mapping[str, str]) -> Iterator[str]:
    """Problems of variables that no setting reads: of absent features, and misspelt ones."""
    known = set(OWN_NAMES)
    for _, _, setting in declared():
        if setting.variable:
            known.add(setting.variable)
            if setting.secret:
                known.add(f"{setting.variable}_FILE")
    yield from reserved.variable_problems(environment, known=known)
    for name in sorted(environment):
        if (
            name.startswith("AUTHPLANE_")
            and name not in known
            and name not in reserved.FIXED
            and not reserved.absent_feature(name)
            and not name.startswith(reserved.IGNORED_PREFIXES)
        ):
            yield f"{name}: no such setting{_hint(name, known)}"


def _foreign_keys(document: Mapping[str, Any]) -> Iterator[str]:
    """Problems of YAML keys that no setting reads."""
    known = {setting.key for _, _, setting in declared()}
    for key, value in _flatten(document, known=known):
        if key in reserved.REMOVED_KEYS:
            yield f"{key}: this key was removed; {reserved.REMOVED_KEYS[key]}"
            continue
        feature = next(
            (
                feature
                for section, feature in reserved.ABSENT_SECTIONS.items()
                if key == section or key.startswith(f"{section}.")
            ),
            None,
        )
        if feature is not None:
            if not (key.endswith(".enabled") and value is False):
                yield f"{key}: this build does not have {feature}; remove the key"
        elif key not in known:
            yield f"{key}: no such setting{_hint(key, known)}"


def _flatten(
    node: Mapping[str, Any], *, known: set[str], prefix: str = ""
) -> Iterator[tuple[str, Any]]:
    """Each leaf of the file under its dotted key."""
    for name, value in node.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict) and key not in known and key not in reserved.REMOVED_KEYS:
            yield from _flatten(value, known=known, prefix=f"{key}.")
        else:
            yield key, value


def _hint(name: str, known: set[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""
