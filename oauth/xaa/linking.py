"""Who an identity provider's subject is here. Read from the database, never from a cache."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from authplane.accounts.models import User
from authplane.core.config import config
from authplane.core.metrics import counter
from oauth.errors import OAuthError, Reason
from oauth.models import SubjectMapping
from oauth.xaa.assertions import Assertion


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSubject:
    """The `sub` of the token, and the user it is; None for one who has no account here."""

    name: str
    user_id: uuid.UUID | None = None


def local_subject(assertion: Assertion) -> LocalSubject:
    """Who the subject is: the user of its mapping, or `<issuer>:<subject>`. One statement.

    A mapping without a user is the operator's word that the subject is known. No account is ever
    made. A mapping whose user was disabled or deleted leads nowhere: it does not turn into an
    automatic one, by which a dismissed user would come back under another name.

    Raises: OAuthError(XAA_SUBJECT_INACTIVE), OAuthError(XAA_SUBJECT_UNMAPPED).
    """
    outcome, refusal, subject = looked_up(assertion)
    counter("authplane_xaa_subject_resolutions_total").labels(outcome).inc()
    if refusal is not None:
        raise OAuthError(refusal)
    return subject


def looked_up(assertion: Assertion) -> tuple[str, Reason | None, LocalSubject]:
    """What the metrics call it, why it is refused when it is, and who the subject would be."""
    mapping = (
        SubjectMapping.objects.filter(idp_id=assertion.provider.id, idp_subject=assertion.subject)
        .values_list("local_user_id", "local_user__status")
        .first()
    )
    if mapping is not None and mapping[0] is not None:
        subject = LocalSubject(name=str(mapping[0]), user_id=mapping[0])
    else:
        subject = LocalSubject(name=f"{assertion.provider.issuer}:{assertion.subject}")
    return *_outcome(mapping), subject


def _outcome(mapping: tuple[uuid.UUID | None, str | None] | None) -> tuple[str, Reason | None]:
    """What the metrics call it, and why it is refused when it is."""
    if mapping is None:
        if config().xaa.subject_mode == "strict":
            return "unmapped", Reason.XAA_SUBJECT_UNMAPPED
        return "auto_mapped", None
    user_id, status = mapping
    if user_id is None:
        return "mapped_without_user", None
    if status != User.Status.ACTIVE:
        return "inactive", Reason.XAA_SUBJECT_INACTIVE
    return "mapped", None
