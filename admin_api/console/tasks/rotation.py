"""`/console/keys/rotate/`: another key signs, with the dates of all keys said before it is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from django.http import Http404, HttpResponse
from django.urls import reverse

from admin_api.console.tasks.access import may
from admin_api.console.tasks.confirm import Action, confirm
from admin_api.console.tasks.numbers import tokens_in_force, told
from admin_api.operations import Role
from authplane.core import clock
from authplane.core.config import config
from authplane.core.console_pages import console_page, shown
from oauth.keys.foresight import Foreseen, foresee
from oauth.keys.record import KeyRecord, KeyUnavailable, State, state_of
from oauth.keys.rotation import rotate

if TYPE_CHECKING:
    from django.http import HttpRequest

NEEDS: Final = ("oauth.view_signingkey",)
TONES: Final = {State.ACTIVE: "good", State.UPCOMING: "", State.RETIRING: "warn"}
WORDS: Final = {
    State.UPCOMING: "published, does not sign yet",
    State.ACTIVE: "signs",
    State.RETIRING: "signs no more, still accepted",
    State.RETIRED: "accepted no more",
}


@dataclass(frozen=True, slots=True)
class Dates:
    """A key as the page shows it."""

    kid: str
    algorithm: str
    state: State
    words: str
    tone: str
    signs_from: datetime
    ends: datetime | None


@dataclass(frozen=True, slots=True)
class Way:
    """A way to rotate, and when to choose it."""

    name: str
    title: str
    text: str
    immediate: bool
    withdraw: bool


WAYS: Final = (
    Way(
        "planned", "In due course",
        "The new key is published first and signs once every verifier had time to fetch it. "
        "Nothing breaks. This is what to do from time to time.", False, False,
    ),
    Way(
        "now", "At once",
        "The new key signs now; tokens that were signed before stay good. For a change that "
        "cannot wait: some verifiers may refuse new tokens for some minutes.", True, False,
    ),
    Way(
        "withdraw", "At once, and withdraw every earlier key",
        "For a key that leaked. Every token that was signed before is refused from now on.",
        True, True,
    ),
)  # fmt: skip


@console_page("keys/rotate/", name="rotate-keys", title="Rotate keys", needs=NEEDS)
def page(request: HttpRequest) -> HttpResponse:
    """The keys as they are, and the ways to rotate."""
    problem = ""
    keys: tuple[Dates, ...] = ()
    try:
        keys = dates(foresee().before, now=clock.now())
    except KeyUnavailable as error:
        problem = str(error)
    context = {
        "keys": keys, "ways": WAYS, "problem": problem, "can_rotate": may(request, Role.SECURITY),
        "interval": config().signing.rotation_interval, "now": clock.now(),
    }  # fmt: skip
    return shown(request, "console/tasks/keys.html", context)


@console_page("keys/rotate/<slug:way>/", name="rotate-keys-do", title="Rotate keys", needs=NEEDS)
def do(request: HttpRequest, way: str) -> HttpResponse:
    """The keys before and after, then the rotation."""
    extra: dict[str, Any] = {}
    chosen = next((one for one in WAYS if one.name == way), None)
    if chosen is None:
        raise Http404
    if may(request, Role.SECURITY):
        try:
            extra = _preview(foresee(immediate=chosen.immediate, withdraw=chosen.withdraw))
        except KeyUnavailable:
            extra = {}
    return confirm(
        request, actions=ACTIONS, name=way, thing=chosen, subject="signing keys",
        back=reverse("admin:rotate-keys"), extra=extra,
    )  # fmt: skip


def dates(keys: tuple[KeyRecord, ...], *, now: datetime) -> tuple[Dates, ...]:
    """The keys with their dates, the one that signs last first."""
    known = list(keys)
    rows = []
    for key in sorted(known, key=lambda one: one.activates_at, reverse=True):
        state = state_of(key, among=known, now=now)
        ends = min((date for date in (key.expires_at, key.withdrawn_at) if date), default=None)
        rows.append(
            Dates(
                key.kid, key.algorithm, state, WORDS[state], TONES.get(state, "bad"),
                key.activates_at, ends,
            )
        )  # fmt: skip
    return tuple(rows)


def _preview(foreseen: Foreseen) -> dict[str, Any]:
    return {
        "before": dates(foreseen.before, now=foreseen.now),
        "after": dates(foreseen.after, now=foreseen.now),
        "preview": "console/tasks/_keys_preview.html",
    }


def _reaches(way: Way) -> Callable[[Way], list[str]]:
    def reaches(_: Way) -> list[str]:
        try:
            foreseen = foresee(immediate=way.immediate, withdraw=way.withdraw)
        except KeyUnavailable as error:
            return [f"The keys cannot be read: {error}"]
        return _sentences(way, foreseen)

    return reaches


def _sentences(way: Way, foreseen: Foreseen) -> list[str]:
    minutes = max(1, config().signing.jwks_max_age // 60)
    start = f"{foreseen.signs_from:%Y-%m-%d %H:%M:%S} UTC"
    if not foreseen.changes:
        return [f"The next key waits already and signs from {start}. Nothing changes."]
    if not way.immediate:
        return [
            (
                f"A new key is published now and signs from {start}, in {minutes} minutes: as long "
                "as anybody may keep the key document."
            ),
            "The key that signs today is accepted until every token it signed has expired.",
            "Nothing breaks. Nobody has to do anything.",
        ]
    held = told(tokens_in_force(foreseen.now), "access token")
    stale = (
        f"Verifiers that fetched the key document less than {minutes} minutes ago do not know the "
        "new key. They refuse new tokens until they fetch it again; well-made ones do so at once."
    )
    if not way.withdraw:
        return [
            "The new key signs from this moment.",
            stale,
            f"Tokens signed before stay good until they expire, at present {held}.",
            (
                "Whoever has a copy of the old key can sign with it until it is accepted no more. "
                "If it leaked, withdraw it instead."
            ),
        ]
    return [
        "The new key signs from this moment. Every other key is refused from this moment.",
        (
            f"Every token signed before is refused everywhere, at present {held}. Applications get "
            "new ones with their refresh tokens, machines by asking again."
        ),
        f"Verifiers that cached the key document accept the old key for up to {minutes} minutes.",
        stale,
        "This cannot be undone: the private parts of the earlier keys are destroyed.",
    ]


def _rotate(way: Way) -> Callable[..., str]:
    def do(_: Way, __: Mapping[str, Any], actor: str) -> str:
        done = rotate(immediate=way.immediate, withdraw=way.withdraw, actor=actor)
        when = f"{done.activates_at:%Y-%m-%d %H:%M:%S} UTC"
        if not done.changed:
            return f"The next key was waiting already. It signs from {when}."
        if done.state is State.UPCOMING:
            return f"The new key is published and signs from {when}. There is nothing more to do."
        return (
            "The new key signs. If a resource server refuses new tokens, let it fetch the key "
            "document again."
        )

    return do


ACTIONS: Final[Mapping[str, Action[Way]]] = {
    way.name: Action(
        name=way.name, label="Rotate now" if way.immediate else "Publish the next key",
        title=way.title, role=Role.SECURITY, reaches=_reaches(way), do=_rotate(way),
        is_danger=way.immediate,
    )
    for way in WAYS
}  # fmt: skip
