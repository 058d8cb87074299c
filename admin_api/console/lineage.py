"""`/console/lineage/<jti>/`: the tree of tokens that one stands in."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from admin_api.console.inspecting import WORDS, claimed_jti, in_words
from authplane.core import clock
from authplane.core.console_pages import add_row_tool, console_page, shown
from authplane.core.ids import id_or_none
from oauth.tokens.lineage import MAX_TOKENS, Kin, Line, read_line

NEEDS = ("oauth.view_accesstoken",)
add_row_tool(
    "oauth.AccessToken",
    "Lineage",
    lambda row: reverse("admin:lineage-of", args=[row.pk]),
    needs=NEEDS,
)
UNKNOWN = (
    "The ledger holds no token with this jti: "
    "it was never issued here, or its row is past retention."
)


@dataclass(slots=True)
class Branch:
    """A token and what came of it. ``tone`` and ``state`` say what it is worth now."""

    token: Kin
    is_asked: bool
    tone: str
    state: str
    expires: str
    actors: tuple[str, ...]
    children: list[Branch] = field(default_factory=list)


@console_page("lineage/", name="lineage", title="Lineage of a token", needs=NEEDS)
@require_http_methods(["GET", "HEAD", "POST"])
def lineage(request: HttpRequest) -> HttpResponse:
    """Asks for a jti; by POST, since people paste the token instead, of which only that is used."""
    problem = ""
    if request.method == "POST":
        typed = request.POST.get("token", "").strip()
        jti = id_or_none(typed) or claimed_jti(typed)
        if jti is not None:
            return redirect("admin:lineage-of", jti=jti)
        problem = "This is neither a jti (a UUID, as the audit record shows) nor a token with one."
    return shown(
        request, "console/lineage.html", {"problem": problem}, status=400 if problem else 200
    )


@console_page("lineage/<uuid:jti>/", name="lineage-of", title="Lineage of a token", needs=NEEDS)
@require_safe
def lineage_of(request: HttpRequest, jti: uuid.UUID) -> HttpResponse:
    """The tree, from the first authorization down to everything that was exchanged or vended."""
    line = read_line(jti, now=clock.now())
    if line is None:
        return shown(
            request, "console/lineage.html", {"problem": UNKNOWN, "asked": jti}, status=404
        )
    context = {"asked": jti, "trees": _trees(line), "is_cut": line.is_cut, "most": MAX_TOKENS}
    return shown(request, "console/lineage.html", context)


def _trees(line: Line) -> list[Branch]:
    """Usually one; more when a token in the middle is gone."""
    now = clock.now()
    branches = {
        token.jti: Branch(
            token=token,
            is_asked=token.level == 0,
            tone={"active": "good", "expired": "warn"}.get(token.state, "bad"),
            state=f"ended: {WORDS.get(token.reason, token.reason)}"
            if token.reason
            else token.state,
            expires=in_words(token.expires_at, now=now),
            actors=tuple(_acting(token.actors)),
        )
        for token in line.tokens
    }
    trees: list[Branch] = []
    for branch in branches.values():
        above = branches.get(branch.token.parent) if branch.token.parent else None
        (above.children if above else trees).append(branch)
    return trees


def _acting(actors: object) -> list[str]:
    """The subjects of the `act` claim, the newest first."""
    found = []
    while isinstance(actors, dict):
        found.append(str(actors.get("sub", "")))
        actors = actors.get("act")
    return found
