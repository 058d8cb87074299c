"""What exists after the first start, by section of a YAML document. Nothing that exists changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from django.db import transaction

Seed = Mapping[str, Any]


class BadSeed(Exception):
    """A seed is not acceptable; none was planted. The text may be shown."""


@dataclass(frozen=True, slots=True)
class Written:
    """Something that exists, as the seed that would make it: `name` among its kind, `row` its id.

    `sealed` is a stored secret of it, which is no part of the seed and only ever compared. What
    `goes_without_saying` is there on every server, and nobody changed it.
    """

    name: str
    row: Any
    seed: Seed
    sealed: bytes | None = None
    goes_without_saying: bool = False


@dataclass(frozen=True, slots=True)
class Portable:
    """What takes the things of a section to another server, beside making them.

    `written` is all of them, members that say nothing left out. `change` makes one what a seed
    says and writes nothing when it is so already: ``change(written, seed, actor)``; members that
    the seed leaves out become what they are by default. `name_of` is the name in `Written`.
    `asks` says why a seed cannot be made without asking another server; empty when it can.
    `shown_once` is the secret of what `create` returned.
    """

    written: Callable[[], Iterable[Written]]
    change: Callable[[Written, Seed, str], object]
    name_of: Callable[[Seed], str] | None = None
    asks: Callable[[Seed], str] = lambda _: ""
    shown_once: Callable[[Any], str] = lambda _: ""


def spoken(members: Seed, *, defaults: Seed) -> dict[str, Any]:
    """The members that say something else than what is so by default."""
    return {
        name: value
        for name, value in members.items()
        if name not in defaults or value != defaults[name]
    }


@dataclass(frozen=True, slots=True)
class Section:
    """One kind of thing that seeds make.

    `noun` is what problems call it, `name_of` what a seed is called, `exists` whether the thing is
    there, `create` makes it for an actor and raises one of `refusals`, which name every problem.
    What has no `portable` belongs to single users, or to this server alone.
    """

    noun: str
    name_of: Callable[[Seed], str]
    exists: Callable[[Seed], bool]
    create: Callable[[Seed, str], object]
    refusals: tuple[type[Exception], ...]
    portable: Portable | None = None


Source = tuple[Section, Callable[[], Sequence[Seed]]]
"""A section, and where its seeds of the configuration are read."""

_first: dict[str, Source] = {}
_last: dict[str, Source] = {}


def register(
    name: str,
    section: Section,
    configured: Callable[[], Sequence[Seed]],
    *,
    last: bool = False,
) -> None:
    """Seeds below ``name`` are planted before those of the sections that are not registered.

    With `last` after them, where they name things of theirs.
    """
    (_last if last else _first)[name] = (section, configured)


def registered_sections() -> dict[str, Source]:
    """Sections of apps that the authorization server does not know, by name in the document."""
    return _first | _last


def in_order(own: Mapping[str, Source]) -> dict[str, Source]:
    """Every section, each after those that it may refer to."""
    return {**_first, **own, **_last}


@dataclass(frozen=True, slots=True)
class Seeded:
    """Names in the order of the seeds."""

    created: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


def plant(sections: Sequence[tuple[Section, Sequence[Seed]]], *, actor: str = "system") -> Seeded:
    """Every seed has become a thing of its kind, or found it there; all of them, or none.

    Sections are planted in order, so that later ones can refer to what earlier ones made.

    Raises: BadSeed, naming the seed.
    """
    planted = Seeded()
    with transaction.atomic():
        for section, seeds in sections:
            for number, seed in enumerate(seeds, start=1):
                name = section.name_of(seed)
                if section.exists(seed):
                    planted.skipped.append(name)
                    continue
                try:
                    section.create(seed, actor)
                except section.refusals as error:
                    where = f"{section.noun} {number} ({name or 'no name'})"
                    raise BadSeed(f"{where}: {error}") from error
                planted.created.append(name)
    return planted


def seeds_of_file(path: Path, *, names: Sequence[str]) -> dict[str, list[Seed]]:
    """The seeds of a YAML file by section, of those it has; at least one of ``names``.

    Raises: BadSeed.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadSeed(f"{path} cannot be read: {type(error).__name__}") from error
    except yaml.YAMLError as error:
        raise BadSeed(f"{path} is not valid YAML") from error
    document = document if isinstance(document, dict) else {}
    found = {name: document[name] for name in names if name in document}
    if not found:
        raise BadSeed(f"{path} must hold at least one of: {', '.join(names)}")
    for name, seeds in found.items():
        if not isinstance(seeds, list) or not all(isinstance(seed, dict) for seed in seeds):
            raise BadSeed(f"{path} must hold a list of mappings below {name}")
    return found
