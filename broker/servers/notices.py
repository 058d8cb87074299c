"""What the page of servers tells people, in plain words. The codes are the contract's."""

from __future__ import annotations

from typing import Final

RETRY: Final = "Connect it once more."
REPORT: Final = "If it happens again, tell whoever runs this server."
BEWARE: Final = "Do not use the link if somebody sent it to you."
FAILURES: Final[dict[str, tuple[str, str]]] = {
    "state_expired": (
        "That took too long",
        f"Connecting has to be finished within five minutes. {RETRY}",
    ),
    "state_invalid": (
        "This answer was used before",
        f"It is unknown, or was used already: each counts once. {RETRY}",
    ),
    "integrity_violation": (
        "The answer cannot be trusted",
        f"It is not the one that was asked for, so it was not used. {REPORT}",
    ),
    "user_mismatch": (
        "This was begun by somebody else",
        f"Another user or another browser began it, so it was not used. {BEWARE}",
    ),
    "code_exchange_failed": (
        "The server gave no access",
        f"You may have allowed it, but the connection was not completed. {RETRY} {REPORT}",
    ),
    "access_denied": ("Not connected", "Access was not allowed, so nothing changed."),
    "missing_code": ("The answer is incomplete", f"It lacks what is needed. {RETRY}"),
    "not_authenticated": (
        "You were not signed in",
        f"The session ended while you were away. {RETRY}",
    ),
    "rate_limit_exceeded": (
        "Too many tries",
        "Ten in a quarter of an hour are possible. Wait a while, then connect it once more.",
    ),
    "config_not_found": (
        "The server has changed",
        f"It was removed, or set up anew, while you were away. {RETRY}",
    ),
    "client_not_configured": (
        "Servers cannot be connected now",
        "This server has no key to keep credentials under. Tell whoever runs it.",
    ),
}
UNKNOWN: Final = ("Not connected", f"Something went wrong. {RETRY} {REPORT}")
DONE: Final = {
    "added": "The server was added. Connect it next, unless it needs no account.",
    "disconnected": "The server was disconnected.",
    "removed": "The server was removed.",
}


def failure(code: str) -> tuple[str, str]:
    """Title and text for an `oauth_error`; what is no code of ours is not shown."""
    return FAILURES.get(code, UNKNOWN)
