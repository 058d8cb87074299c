"""`/admin/audit`: the record of what happened, and the proof that it is what was written."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db.models import QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from rest_framework import serializers
from rest_framework.request import Request

from admin_api.exceptions import Invalid, Refused
from admin_api.operations import Role, operation
from admin_api.pagination import Page, envelope
from admin_api.routes import OperatorRoutes, known_parameters
from admin_api.serializers.strict import Body
from audit import gauges, protection, record
from audit.events import CATALOGUE, AuditExported
from audit.exporting import MEDIA_TYPES, exported
from audit.models import AuditCursor, AuditEvent, AuditSeal, SealRemoval
from audit.sealing import keys
from audit.sealing.stored import verify_stored
from audit.selectors import find_events
from audit.view import shown_event, shown_seal
from authplane.core import clock
from authplane.core.config import config
from authplane.core.crypto import CryptoError
from authplane.core.http import json_response
from authplane.core.models import ScheduledRun

FILTERS: Final = ("action", "actor_id", "client_id", "since", "until")
DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 1000
MAX_OFFSET: Final = 100_000
MOST_SEALS: Final = 100
"""How many batches one request verifies; the whole chain is work for the schedule and command."""


class VerifyRequest(Body):
    """Body of `POST /admin/audit/verify`: which batches. By default the newest ones."""

    first = serializers.IntegerField(required=False, min_value=1, max_value=2**62)
    last = serializers.IntegerField(required=False, min_value=1, max_value=2**62)


class AuditEvents(OperatorRoutes):
    """What happened, who did it and through which client."""

    @operation(query=FILTERS, answers="AuditEvent", listed="events")
    def list(self, request: Request) -> HttpResponse:
        """Events that match every filter, the newest first."""
        known_parameters(request, *FILTERS)
        page = Page.of(request, default=DEFAULT_LIMIT, is_strict=True, highest=MAX_LIMIT)
        if page.offset > MAX_OFFSET:
            raise Invalid(f"offset must not exceed {MAX_OFFSET}; a cursor reaches further")
        return json_response(envelope("events", _asked(request), page=page, render=shown_event))

    @operation(
        query=("format", *FILTERS),
        answers="AuditExport",
        media=tuple(dict.fromkeys(MEDIA_TYPES.values())),
        role=Role.SECURITY,
    )
    def export(self, request: Request) -> StreamingHttpResponse:
        """The same as a file, the oldest first: `jsonl` or `csv`. `sealed` is the whole chain.

        An export may reach back as far as the record does; it leaves a row about itself.
        """
        known_parameters(request, "format", *FILTERS)
        kind = request.GET.get("format", "jsonl")
        if kind not in MEDIA_TYPES:
            raise Invalid(f"format must be one of: {', '.join(MEDIA_TYPES)}")
        if kind == "sealed" and set(request.GET) - {"format"}:
            raise Invalid("the sealed record is exported whole: it takes no filters")
        rows = _asked(request, may_reach_back=True)
        record.record(
            AuditExported(
                actor_id=self.actor(request),
                format=kind,
                since=request.GET.get("since", ""),
                until=request.GET.get("until", ""),
            )
        )
        suffix = "csv" if kind == "csv" else "jsonl"
        return StreamingHttpResponse(
            _bytes(exported(kind, rows)),
            content_type=MEDIA_TYPES[kind],
            headers={
                "Content-Disposition": f'attachment; filename="audit-{kind}.{suffix}"',
                "Cache-Control": "no-store",
            },
        )

    @operation(answers="AuditActions")
    def actions(self, request: Request) -> HttpResponse:
        """Every action that can be recorded, with the members of its detail."""
        known_parameters(request)
        return json_response({
            "actions": [
                {
                    "action": action,
                    "meaning": (kind.__doc__ or "").partition("\n")[0],
                    "required": [*kind.required],
                    "optional": [*kind.optional],
                }
                for action, kind in sorted(CATALOGUE.items())
            ]
        })  # fmt: skip


class AuditSeals(OperatorRoutes):
    """The chain of signed batches."""

    @operation(answers="AuditSeal", listed="seals")
    def list(self, request: Request) -> HttpResponse:
        """All batches, the newest first."""
        known_parameters(request)
        page = Page.of(request, default=DEFAULT_LIMIT, is_strict=True)
        removed = set(SealRemoval.objects.values_list("seal", flat=True))
        rows = AuditSeal.objects.all()
        return json_response(
            envelope("seals", rows, page=page, render=lambda row: shown_seal(row, removed=removed))
        )

    @operation(answers="AuditState")
    def state(self, request: Request) -> HttpResponse:
        """How far sealing is behind, what was verified last, how far every copy has come."""
        known_parameters(request)
        verified = ScheduledRun.objects.filter(name="audit.verify").first()
        newest = AuditSeal.objects.order_by("-number").first()
        return json_response({
            "protected": protection.is_installed(),
            "sealing_lag_seconds": int(gauges.sealing_lag()),
            "head": shown_seal(newest) if newest else None,
            "last_verification": _verification(verified),
            "copies": [
                {
                    "name": row.name, "seal": row.seal, "failures": row.failures,
                    "error": row.error, "updated_at": clock.as_text(row.updated_at),
                }
                for row in AuditCursor.objects.order_by("name")
            ],
        })  # fmt: skip

    @operation(answers="AuditKeys")
    def keys(self, request: Request) -> HttpResponse:
        """The public keys that verify checkpoints, as a JWK set. Keep a copy elsewhere."""
        known_parameters(request)
        return json_response({"keys": keys.public_keys()})

    @operation(reads=VerifyRequest, answers="AuditReport")
    def verify(self, request: Request) -> HttpResponse:
        """Batches and their rows, compared with what was signed. Changes nothing."""
        asked = self.read(request, VerifyRequest).validated_data
        newest = AuditSeal.objects.order_by("-number").values_list("number", flat=True).first() or 0
        last = asked.get("last", newest)
        first = asked.get("first", max(1, last - MOST_SEALS + 1))
        if last > newest or first > max(last, 1):
            raise Invalid(f"first and last must be batches from 1 to {newest}, in this order")
        if last - first >= MOST_SEALS:
            raise Invalid(
                f"at most {MOST_SEALS} batches at once; `manage.py audit verify` does all"
            )
        try:
            report = verify_stored(first=first, last=0 if (first, last) == (1, newest) else last)
        except CryptoError:
            raise Refused(
                status=503, error="service_unavailable",
                text="verifying needs AUTHPLANE_DATA_ENCRYPTION_KEY",
            ) from None  # fmt: skip
        return json_response({"first": first, "last": last, **report.shown()})


def _asked(request: Request, *, may_reach_back: bool = False) -> QuerySet[AuditEvent]:
    """The events that the filters let through. Raises: Invalid."""
    now = clock.now()
    since, until = _moment(request, "since"), _moment(request, "until")
    longest = timedelta(seconds=config().admin.audit_max_lookback)
    if since and not may_reach_back and since < now - longest:
        raise Invalid(f"since must not be more than {int(longest.total_seconds())} seconds ago")
    if since is None and not may_reach_back:
        since = now - timedelta(seconds=config().admin.audit_default_lookback)
    if until and since and until <= since:
        raise Invalid("until must be after since")
    equal = {name: request.GET.get(name, "").replace("\x00", "") for name in FILTERS[:3]}
    return find_events(**equal, since=since, until=until)


def _moment(request: Request, name: str) -> datetime | None:
    """A moment of the query, to the second. Raises: Invalid."""
    text = request.GET.get(name, "")
    if not text:
        return None
    found: datetime | None = None
    with contextlib.suppress(ValueError, OverflowError):
        # A plus sign that nobody encoded arrives as a space.
        read = datetime.fromisoformat(text.replace(" ", "+"))
        if read.tzinfo is not None and "T" in text.upper():
            found = read.astimezone(UTC).replace(microsecond=0)
    if found is None:
        raise Invalid(f"{name} must be a moment such as 2026-01-31T12:00:00Z")
    return found


def _verification(run: ScheduledRun | None) -> dict[str, Any] | None:
    if run is None or run.finished_at is None:
        return None
    return {"finished_at": clock.as_text(run.finished_at), "error": run.error, "result": run.result}


def _bytes(pieces: Iterator[str]) -> Iterator[bytes]:
    for piece in pieces:
        yield piece.encode()
