"""Linking subjects of identity providers to users here. Each change is recorded."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Final

from django.db import IntegrityError, transaction

from audit import record
from audit.events import SubjectMappingCreated, SubjectMappingDeleted
from authplane.accounts.models import User
from oauth.federation.entries import entry_of
from oauth.federation.errors import BadEntry, EntryConflict, Problem
from oauth.federation.reading import known_members
from oauth.models import SubjectMapping
from oauth.xaa.policies import read_key, require_idp

MEMBERS: Final = ("idp_id", "idp_subject", "local_user_id")
MAX_SUBJECT: Final = 255
ABSENT: Final = "subject mapping not found"
TAKEN: Final = "subject mapping already exists for this IdP and subject"


def create_mapping(body: Mapping[str, Any], *, actor: str = "system") -> SubjectMapping:
    """The subject is the user, or known without an account when `local_user_id` is absent.

    Raises: BadEntry, NoSuchEntry for a provider nobody registered, EntryConflict.
    """
    problems = known_members(body, names=MEMBERS)
    idp_id, wrong = read_key("idp_id", body.get("idp_id"))
    problems += wrong
    subject, wrong = _subject(body.get("idp_subject"))
    problems += wrong
    user_id, wrong = _user(body.get("local_user_id"))
    problems += wrong
    if problems:
        raise BadEntry(problems)
    try:
        with transaction.atomic():
            idp = require_idp(idp_id)
            row = SubjectMapping.objects.create(idp=idp, idp_subject=subject, local_user_id=user_id)
            event = SubjectMappingCreated(
                actor_id=actor, id=str(row.pk), idp_id=str(idp.pk), user=str(user_id or "")
            )
            record.record(event)
    except IntegrityError:
        raise EntryConflict(TAKEN) from None
    return row


def delete_mapping(key: uuid.UUID, *, actor: str = "system") -> None:
    """The subject is no longer linked.

    Raises: NoSuchEntry.
    """
    with transaction.atomic():
        row = entry_of(SubjectMapping.objects.select_for_update(), key, ABSENT)
        row.delete()
        record.record(SubjectMappingDeleted(actor_id=actor, id=str(key), idp_id=str(row.idp_id)))


def _subject(value: Any) -> tuple[str, list[Problem]]:
    """Compared byte for byte with the assertion's `sub`, so it is kept as it is."""
    if isinstance(value, str) and 0 < len(value) <= MAX_SUBJECT and value.isprintable():
        return value, []
    return "", [Problem("idp_subject", f"must have 1 to {MAX_SUBJECT} printable characters")]


def _user(value: Any) -> tuple[uuid.UUID | None, list[Problem]]:
    if value is None or value == "":
        return None, []
    key, problems = read_key("local_user_id", value)
    if not problems and not User.objects.filter(pk=key).exists():
        problems = [Problem("local_user_id", "names no user")]
    return key, problems
