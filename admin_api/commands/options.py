"""The options of one command, and the request that they ask for."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn
from urllib.parse import urlencode

from admin_api.commands import members
from admin_api.commands.catalogue import Command, singular
from admin_api.commands.members import Member
from admin_api.commands.reading import Unusable, document_of, languages, mapping_of, read_file
from authplane.core.openapi.system import YAML

__all__ = ["Asked", "Parser", "Unusable", "parser_of", "read"]

PAGING: Final = ("limit", "offset", "cursor")
SWITCHES: Final = frozenset({"force", "cascade", "dry_run"})
"""Parameters of the query that are true or false."""

IN_SIGHT: Final = (
    "anybody on this machine can read the command line of a running process: use {flag}-file, or "
    "leave it out and type it when asked"
)


class Parser(argparse.ArgumentParser):
    """A parser that raises instead of ending the process. Options are never guessed from a part."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, add_help=True, **options)

    def error(self, message: str) -> NoReturn:
        """Raises: Unusable."""
        raise Unusable(f"{message} (see: {self.prog} --help)")


class _Refused(argparse.Action):
    """A secret on the command line is not taken, whatever it is."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any, **__: Any) -> None:
        parser.error(f"{self.option_strings[0]}: {IN_SIGHT.format(flag=self.option_strings[0])}")


@dataclass(slots=True)
class Asked:
    """The request that a command line asks for, and how its answer is to be shown."""

    url: str
    values: dict[str, str]
    body: dict[str, Any] | None
    query: dict[str, str]
    headers: dict[str, str] = field(default_factory=dict)
    as_json: bool = False
    everything: bool = False
    confirmed: bool = False
    columns: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """The URL with its query."""
        return f"{self.url}?{urlencode(self.query)}" if self.query else self.url


def parser_of(command: Command) -> Parser:
    """The options of the command."""
    said = command.operation
    parser = Parser(
        prog=f"authplane {command.noun} {command.verb}",
        description=said.summary,
        epilog=f"The same as {command.method} {command.path}; in the record as cli:<you>.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for name in command.parameters:
        parser.add_argument(_positional(command, name), metavar=name.upper(), help=_meaning(name))
    for name in said.query:
        flag = _flag(name)
        if name in SWITCHES:
            parser.add_argument(
                flag, action="store_true", dest=f"query:{name}", help=_meaning(name)
            )
        else:
            parser.add_argument(flag, dest=f"query:{name}", metavar="VALUE", help=_meaning(name))
    if said.listed:
        for name in PAGING:
            parser.add_argument(
                _flag(name), dest=f"query:{name}", metavar="VALUE", help=_meaning(name)
            )
        parser.add_argument("--all", action="store_true", help="every page, one after the other")
        parser.add_argument("--columns", metavar="A,B", help="the members to show in the table")
    if command.method != "GET" and _has_version(command):
        parser.add_argument(
            "--if-version", metavar="VERSION", help="only while it still is this version"
        )
    if command.method == "POST":
        about = "the same key again answers as before and does nothing"
        parser.add_argument("--idempotency-key", metavar="KEY", help=about)
    _add_body(parser, command)
    parser.add_argument(
        "--yes", action="store_true", help="do not ask before what cannot be undone"
    )
    parser.add_argument("--json", action="store_true", help="print the very body of the answer")
    return parser


def _has_version(command: Command) -> bool:
    """Whether the route compares versions: elsewhere the option would promise what nobody does."""
    versioned = getattr(command.view, "versioned", None)
    return versioned is not None and set(command.parameters) == set(versioned.columns)


def _add_body(parser: Parser, command: Command) -> None:
    if command.method in {"GET", "DELETE"}:
        return
    for member in members.members(command):
        _add_member(parser, member)
    parser.add_argument(
        "--body",
        metavar="FILE",
        help=f"the body as a {languages(command)} file, - for standard input",
    )
    parser.add_argument("--null", action="append", default=[], metavar="MEMBER",
                        help="the member of this name is null")  # fmt: skip


def _add_member(parser: Parser, member: Member) -> None:
    flag, dest = _flag(member.name), f"body:{member.name}"
    text = member.help or _meaning(member.name)
    if member.required:
        text = f"{text} (required)".strip()
    if member.kind == members.SECRET:
        parser.add_argument(f"{flag}-file", dest=dest, metavar="FILE",
                            help="a file that holds it, - for standard input; else it is asked for"
                            if member.required else
                            "a file that holds it, - for standard input")  # fmt: skip
        parser.add_argument(flag, action=_Refused, nargs="?", help=argparse.SUPPRESS)
    elif member.kind == members.FLAG:
        parser.add_argument(flag, dest=dest, action=argparse.BooleanOptionalAction, default=None,
                            help=text)  # fmt: skip
    elif member.kind in {members.LIST, members.SCOPES}:
        one = "NAME|UPSTREAM|DESCRIPTION" if member.kind == members.SCOPES else "VALUE"
        flags = dict.fromkeys([flag, _flag(singular(member.name))])
        about = f"{text or 'one entry'}; may be repeated, or a JSON list"
        parser.add_argument(*flags, dest=dest, action="append", metavar=one, help=about)
    elif member.kind == members.JSON:
        parser.add_argument(
            flag, dest=dest, metavar="JSON", help=f"{text} as JSON, or @FILE".strip()
        )
    else:
        kind = int if member.kind == members.NUMBER else str
        parser.add_argument(flag, dest=dest, type=kind, help=text, choices=member.choices or None,
                            metavar=None if member.choices else "VALUE")  # fmt: skip


def read(command: Command, words: Sequence[str]) -> Asked:
    """What the words ask for.

    Raises: Unusable; SystemExit after help was printed.
    """
    said = vars(parser_of(command).parse_args(list(words)))
    values = {name: said[_positional(command, name)] for name in command.parameters}
    query = {}
    for name, value in said.items():
        kind, _, own = name.partition(":")
        if kind == "query" and value not in (None, False):
            query[own] = "true" if value is True else str(value)
    headers = {}
    if said.get("if_version"):
        headers["HTTP_IF_MATCH"] = '"{}"'.format(said["if_version"].strip('"'))
    if said.get("idempotency_key"):
        headers["HTTP_IDEMPOTENCY_KEY"] = said["idempotency_key"]
    if command.operation.media[:1] == (YAML,) and not said["json"]:
        headers["HTTP_ACCEPT"] = YAML
    columns = said.get("columns") or ""
    return Asked(
        url=command.url(values), values=values, body=_body(command, said), query=query,
        headers=headers, as_json=said["json"], everything=bool(said.get("all")),
        confirmed=said["yes"], columns=tuple(filter(None, columns.split(","))),
    )  # fmt: skip


def _body(command: Command, said: dict[str, Any]) -> dict[str, Any] | None:
    """The body: the file's members with what else was said on top; None where nothing was.

    Raises: Unusable.
    """
    if command.method in {"GET", "DELETE"}:
        return None
    known = members.members(command)
    body: dict[str, Any] = {}
    if said.get("body"):
        read_body = mapping_of if YAML in command.operation.takes else document_of
        body = read_body(read_file(said["body"]), "--body")
        if not isinstance(body, dict):
            raise Unusable("--body must hold one JSON object")
    for member in known:
        value = said.get(f"body:{member.name}")
        if value is not None:
            body[member.name] = _value(member, value)
    body |= dict.fromkeys(said.get("null") or ())
    for member in known:
        if member.kind == members.SECRET and member.required and member.name not in body:
            body[member.name] = _typed(member.name)
    if not body and (not known or command.operation.reads is not None):
        # What needs no body gets none; what does says which members are missing.
        needs = any(member.required for member in known)
        return {} if needs or command.verb == "change" else None
    return body


def _value(member: Member, value: Any) -> Any:
    flag = _flag(member.name)
    if member.kind == members.SECRET:
        return read_file(value).rstrip("\r\n")
    if member.kind == members.JSON:
        return document_of(read_file(value[1:]) if value.startswith("@") else value, flag)
    if member.kind in {members.LIST, members.SCOPES}:
        found: list[Any] = []
        for entry in value:
            if entry.startswith("["):
                found += document_of(entry, flag)
            elif entry.startswith("{"):
                found.append(document_of(entry, flag))
            else:
                found.append(_scope(entry) if member.kind == members.SCOPES else entry)
        return found
    return value


def _scope(entry: str) -> dict[str, str]:
    """A scope of a resource; what is left out or empty is not said."""
    parts = zip(("name", "upstream", "description"), entry.split("|", 2), strict=False)
    return {name: part for name, part in parts if part}


def _typed(name: str) -> str:
    """The secret as a person types it, twice because nobody sees it.

    Raises: Unusable without a person, or when the two differ.
    """
    if not sys.stdin.isatty():
        raise Unusable(f"say {_flag(name)}-file: nobody is there to type it")
    first = getpass.getpass(f"{name.replace('_', ' ')}: ")
    if getpass.getpass("the same again: ") != first:
        raise Unusable("the two differ; nothing was done")
    return first


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _positional(command: Command, name: str) -> str:
    return f"path:{name}" if name in command.parameters else name


def _meaning(name: str) -> str:
    """Help for names that occur all over."""
    return MEANINGS.get(name, "")


MEANINGS: Final = {
    "key": "its id, or its slug where it has one",
    "limit": "how many at most, 1 to 500",
    "offset": "how many to leave out first",
    "cursor": "where the page before ended",
    "dry_run": "every check, and nothing is stored",
    "force": "also when something still depends on it",
    "cascade": "what depends on it goes too",
    "version": "only while it still is this version",
    "user": "an e-mail address or the id of a user",
    "user_id": "the id of a user",
    "client_id": "the id of a client",
    "enabled": "whether it counts",
    "expires_in_days": "days until it ends; without it lasts until it is revoked",
}
