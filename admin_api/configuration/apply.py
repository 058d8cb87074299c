"""The configuration becomes what a document says; all of it, or nothing changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import transaction

from admin_api.configuration import settings
from admin_api.configuration.sections import ABOUT, FORMAT, LEFT_OUT, SETTINGS, sections
from audit import record
from audit.events import ConfigurationApplied
from authplane.core.cache import forget_everything
from authplane.core.seeding import BadSeed, Portable, Section, Seed, Written
from oauth.resources.locking import exclusive

MOST_PROBLEMS: Final = 100
LONGEST_NAME: Final = 80


class BadDocument(Exception):
    """The document was not applied; ``problems`` are all there are, with their places."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        told = [*self.problems[:MOST_PROBLEMS]]
        if more := len(self.problems) - len(told):
            told.append(f"and {more} more")
        super().__init__("; ".join(told))


@dataclass(slots=True)
class Applied:
    """What was made and changed, by `<section>.<name>`, and how much was so already.

    `secrets` are those of clients that were made, by their ids: nobody can read them again.
    """

    created: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: int = 0
    secrets: dict[str, str] = field(default_factory=dict)


class _RehearsedError(Exception):
    """Takes everything back."""


def apply(document: Mapping[str, Any], *, actor: str, dry_run: bool = False) -> Applied:
    """What the document names exists and is what it says; nothing else was touched.

    With ``dry_run`` everything is done, told, and taken back. Of two at once the second waits,
    and works on what the first left.

    Raises: BadDocument with every problem of every section.
    """
    problems = list(shape_problems(document))
    if problems:
        raise BadDocument(problems)
    applied = Applied()
    try:
        with exclusive():
            _apply(document, applied, actor)
            _take_back(dry_run)
    except _RehearsedError:
        # Secrets that were taken back open nothing.
        applied.secrets.clear()
        forget_everything()
    except BadDocument:
        forget_everything()
        raise
    return applied


def _take_back(dry_run: bool) -> None:
    """Raises: _RehearsedError after a rehearsal."""
    if dry_run:
        raise _RehearsedError


def _apply(document: Mapping[str, Any], applied: Applied, actor: str) -> None:
    entries = list(_entries(document))
    problems = _work_off(entries, applied, actor)
    problems += _change_settings(document.get(SETTINGS) or {}, applied, actor)
    if problems:
        raise BadDocument(problems)
    _tell_apart(entries, applied)
    if applied.created or applied.changed:
        record.record(
            ConfigurationApplied(
                actor_id=actor,
                created=len(applied.created),
                changed=len(applied.changed),
                unchanged=applied.unchanged,
            )
        )


@dataclass(slots=True)
class _Entry:
    """One seed of the document, where it stands, and what is of its name already."""

    place: str
    section: Section
    portable: Portable
    number: int
    name: str
    seed: Seed
    present: Written | None

    @property
    def title(self) -> str:
        """What answers call it."""
        return f"{self.place}.{self.name}"

    def problem(self, text: str) -> str:
        """With the place in front; a name is repeated where it could be one."""
        shown = self.name.isprintable() and 0 < len(self.name) <= LONGEST_NAME
        return f"{self.place}[{self.number}]{f' ({self.name})' if shown else ''}: {text}"

    def settle(self, applied: Applied, actor: str) -> None:
        """It exists and is what the seed says.

        Raises: BadSeed, or one of the section's refusals.
        """
        if self.present is not None:
            self.portable.change(self.present, self.seed, actor)
            return
        if text := self.portable.asks(self.seed):
            # Nobody is asked while a transaction is open.
            raise BadSeed(f"{text}: an import asks no other server")
        made = self.section.create(self.seed, actor)
        applied.created.append(self.title)
        if secret := self.portable.shown_once(made):
            applied.secrets[self.name] = secret


def _entries(document: Mapping[str, Any]) -> Iterator[_Entry]:
    """The seeds in the order in which one refers to the other.

    Names of some sections may repeat: then the first is the first, and so on.
    """
    for place, (section, portable) in sections().items():
        seeds = document.get(place) or ()
        present: defaultdict[str, list[Written]] = defaultdict(list)
        for row in portable.written() if seeds else ():
            present[row.name].append(row)
        for number, seed in enumerate(seeds):
            name = (portable.name_of or section.name_of)(seed)
            found = present[name].pop(0) if present[name] else None
            yield _Entry(place, section, portable, number, name, seed, found)


def _work_off(waiting: list[_Entry], applied: Applied, actor: str) -> list[str]:
    """Every entry was settled; or the problems of those that could not be.

    What fails is tried again after the others, for as long as that helps: it may need what comes
    later in the document, such as a name that another one gives up.
    """
    while True:
        problems: list[str] = []
        failed: list[_Entry] = []
        for entry in waiting:
            refusals: tuple[type[Exception], ...] = (BadSeed, *entry.section.refusals)
            try:
                with transaction.atomic():
                    entry.settle(applied, actor)
            except refusals as error:
                failed.append(entry)
                problems.append(entry.problem(str(error)))
        if not failed or len(failed) == len(waiting):
            return problems
        waiting = failed


def _change_settings(wanted: Mapping[str, Any], applied: Applied, actor: str) -> list[str]:
    """Last, because registration and approval are asked about clients meanwhile."""
    before = settings.shown()
    problems = []
    for name, value in wanted.items():
        try:
            settings.change(name, value, actor=actor)
        except settings.BadSettings as error:
            problems.append(f"{SETTINGS}.{name}: {error}")
    after = settings.shown()
    for name in wanted:
        if before.get(name) == after.get(name):
            applied.unchanged += 1
        else:
            applied.changed.append(f"{SETTINGS}.{name}")
    return problems


def _tell_apart(entries: Sequence[_Entry], applied: Applied) -> None:
    """Of what existed: what is another now, and what is as it was."""
    known = [entry for entry in entries if entry.present is not None]
    after = {
        (place, row.row): row
        for place, portable in {entry.place: entry.portable for entry in known}.items()
        for row in portable.written()
    }
    for entry in known:
        before = entry.present
        now = after.get((entry.place, before.row)) if before else None
        if before and now and (now.seed, now.sealed) == (before.seed, before.sealed):
            applied.unchanged += 1
        else:
            applied.changed.append(entry.title)


def shape_problems(document: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong before anything is looked at."""
    known = sections()
    if set(document) - {*known, *ABOUT, SETTINGS}:
        yield f"the document may hold: {', '.join([*ABOUT, SETTINGS, *known])}"
    if document.get("format") != FORMAT or isinstance(document.get("format"), bool):
        yield f"format must be {FORMAT}"
    left_out = document.get(LEFT_OUT, [])
    if not isinstance(left_out, list) or not all(isinstance(one, str) for one in left_out):
        yield f"{LEFT_OUT} must be a list of texts"
    yield from _settings_problems(document.get(SETTINGS))
    for name in known:
        seeds = document.get(name)
        if seeds is None:
            continue
        if not isinstance(seeds, list):
            yield f"{name} must be a list"
        else:
            yield from (
                f"{name}[{number}]: must be an object"
                for number, seed in enumerate(seeds)
                if not isinstance(seed, dict)
            )


def _settings_problems(wanted: Any) -> Iterator[str]:
    if wanted is None:
        return
    if not isinstance(wanted, dict):
        yield f"{SETTINGS} must be an object"
    elif set(wanted) - set(settings.NAMES):
        yield f"{SETTINGS} may hold: {', '.join(settings.NAMES)}"
