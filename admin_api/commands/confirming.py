"""What cannot be undone says what it reaches, and asks."""

from __future__ import annotations

import sys
from typing import Final

from admin_api.commands.catalogue import Command, commands, singular
from admin_api.commands.options import Asked, Unusable
from admin_api.commands.running import run
from admin_api.commands.showing import plain

VERBS: Final = frozenset({
    "remove", "revoke", "disable", "suspend", "rotate", "rotate-secret", "cleanup", "logout",
    "force-logout", "revoke-tokens",
})  # fmt: skip
REACHES: Final = {
    ("clients", "remove"): "its tokens stop working at introspection; it cannot be brought back",
    ("clients", "revoke"): "it never gets a token again, and its live tokens stop counting",
    ("clients", "suspend"): "it gets no tokens, and its live ones are inactive at introspection, "
    "until it is reactivated; what resources verify by themselves works until it expires",
    ("clients", "rotate-secret"): "the present secret ends at once, or after --overlap seconds",
    ("users", "disable"): "sessions end, tokens of the user stop counting",
    ("users", "remove"): "sessions, consents, connections and tokens of the user end",
    ("resources", "remove"): "no token is issued for it any more",
    ("broker-providers", "remove"): "nobody connects to it any more",
    ("connections", "remove"): "its stored tokens are dropped and revoked at the provider",
    ("broker-grants", "remove"): "its stored tokens are dropped and revoked at the provider; "
    "tokens that clients already fetched from there last until they expire",
    (
        "consents",
        "remove",
    ): "the client's tokens and all that came of them end; it has to ask again",
    ("issuances", "remove"): "this token is inactive at introspection and exchange; what resources "
    "verify by themselves works until it expires",
    ("tokens", "remove"): "this token is inactive at introspection and exchange; what resources "
    "verify by themselves works until it expires",
    ("user-tokens", "remove"): "every session's and client's tokens of the user end",
    ("keys", "rotate"): "a new key signs; the old one stays published until its last token expired",
    ("idps", "remove"): "its policies and subject mappings go too; its assertions count no longer",
    ("xaa-policies", "remove"): "assertions obtain nothing by it any more",
    ("workload-issuers", "remove"): "workloads of this issuer get no tokens any more",
    ("oauth-proxies", "remove"): "its clients and their tokens go too",
    ("proxy-sessions", "remove"): "none of its tokens works any more",
    ("api-keys", "remove"): "it stops working at once",
    ("api-keys", "revoke"): "it stops working at once",
    ("access-groups", "remove"): "keys in it reach nothing any more",
    ("identities", "remove"): "this subject signs in as nobody here",
    ("fronting", "remove"): "exchanges from the source to the target are refused",
}
"""What is reached, in words that complete: `This removes the client X:`."""


def needs_yes(command: Command) -> bool:
    """Whether the command is one to ask about."""
    return command.method != "GET" and (command.method == "DELETE" or command.verb in VERBS)


def confirm(command: Command, asked: Asked) -> bool:
    """Whether to go on: `--yes`, a rehearsal, or a person who says so.

    Raises: Unusable where nobody can be asked.
    """
    if asked.confirmed or not needs_yes(command) or "dry_run" in asked.query:
        return True
    warning = f"{command.verb.replace('-', ' ')} {_subject(command, asked)}"
    reaches = REACHES.get((command.noun, command.verb))
    if reaches:
        warning = f"{warning}: {reaches}"
    if not sys.stdin.isatty():
        raise Unusable(f"{warning}. Say --yes: nobody is there to be asked")
    sys.stderr.write(f"{warning}.\nGo on? Type yes: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() == "yes"


def _subject(command: Command, asked: Asked) -> str:
    """The noun and whose it is, with its name where it can be looked up."""
    noun = singular(command.noun).replace("-", " ")
    words = [noun, *map(plain, asked.values.values())]
    show = commands()[command.noun].get("show")
    if show is not None and show.parameters == command.parameters:
        answer = run(show, show.url(asked.values), asked.values)
        found = (answer.document or {}) if answer.ok else {}
        name = next(
            (found[key] for key in ("name", "email", "display_name", "slug") if found.get(key)), ""
        )
        if name:
            words.append(f"({plain(name)})")
    return " ".join(words)
