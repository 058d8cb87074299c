"""Carry out what the user decided, in one transaction with the code and the record of it."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from audit import record
from audit.events import ConsentDenied, ConsentGranted
from authplane.accounts.models import User
from authplane.core.hashing import sha256_hex
from authplane.core.metrics import counter
from oauth.authorize import pending, pushed
from oauth.consent.selectors import includes, standing_consent
from oauth.models import AuthorizationRequest, Client, ConsentGrant
from oauth.resources.view import ResourceView
from oauth.tokens.codes import issue_code
from oauth.tokens.descent import revoke_resting_on

_DECISIONS = "authserver_consent_decisions_total"


class AlreadyAnswered(Exception):
    """The request was decided before, and its answer cannot be given again."""


def allow(
    waiting: AuthorizationRequest,
    *,
    resource: ResourceView,
    scopes: Collection[str],
    now: datetime,
    projects: Collection[str] = (),
) -> str:
    """The code for what the user ticked; the consent to it stands from now on.

    `projects` are the user's own, chosen at a resource that asks for some.

    Code, consent and record come to be together or not at all. Of two posts at once one decides.
    The other, when it is the second half of a double click, gets a code in place of the first,
    which nobody has received: the browser dropped that answer.

    Raises: AlreadyAnswered.
    """
    waiting.scope = " ".join(scopes)
    with transaction.atomic():
        if pending.claim(waiting, now=now):
            _spend_pushed(waiting, now=now)
            widen_consent(
                user=waiting.user,
                client=waiting.client,
                resource=resource,
                scopes=scopes,
                projects=projects,
                now=now,
            )
            record.record(
                ConsentGranted(
                    actor_id=str(waiting.user_id),
                    client_id=waiting.client.client_id,
                    resource=resource.uri,
                    scopes=waiting.scope,
                    projects=" ".join(projects),
                )
            )
            counter(_DECISIONS).labels(decision="granted").inc()
        else:
            consent = standing_consent(
                user=waiting.user, client=waiting.client, resource=resource, lock=True
            )
            if not (
                includes(consent, scopes=scopes, projects=projects)
                and pending.was_just_decided(waiting, now=now)
                and pending.withdraw_unspent_code(waiting, now=now)
            ):
                raise AlreadyAnswered
        return issue_code(waiting, now=now, projects=projects)


def deny(waiting: AuthorizationRequest, *, now: datetime) -> None:
    """The request is answered with a refusal; earlier consent stays as it is.

    Raises: AlreadyAnswered, unless the answer was the same a moment ago.
    """
    with transaction.atomic():
        if pending.claim(waiting, now=now):
            _spend_pushed(waiting, now=now)
            record.record(
                ConsentDenied(
                    actor_id=str(waiting.user_id),
                    client_id=waiting.client.client_id,
                    session=sha256_hex(waiting.id)[:16],
                )
            )
            counter(_DECISIONS).labels(decision="denied").inc()
        elif not pending.was_just_decided(waiting, now=now) or pending.was_allowed(waiting):
            raise AlreadyAnswered


def _spend_pushed(waiting: AuthorizationRequest, *, now: datetime) -> None:
    """A pushed request is answered once, however many tabs asked about it.

    Raises: AlreadyAnswered; then this decision is undone, too.
    """
    if waiting.pushed is not None and not pushed.spend(waiting.pushed, now=now):
        raise AlreadyAnswered


def widen_consent(
    *,
    user: User,
    client: Client,
    resource: ResourceView,
    scopes: Collection[str],
    now: datetime,
    projects: Collection[str] = (),
) -> None:
    """The user allows these scopes in addition to what is allowed already.

    `projects` take the place of those before, unless there are none: they are a choice of what to
    open, and what is not ticked any more is closed to what comes of this consent.

    A client asks for more step by step; replacing the list would take away with each step what
    the one before had allowed. What was revoked stays revoked: consent then starts anew.

    Must run inside a transaction: the row is locked, so that two consents at once both count.
    """
    consent, created = ConsentGrant.objects.select_for_update().get_or_create(
        user=user,
        client=client,
        resource_id=resource.id,
        defaults={"scopes": sorted(scopes), "projects": list(projects)},
    )
    if created:
        return
    standing = set(consent.scopes)
    if consent.revoked_at is not None:
        standing = set()
        consent.projects = []
        # A token that was being issued while consent ended rests on that one, not on the new one.
        revoke_resting_on(
            user_id=user.pk,
            client_pk=client.pk,
            audience=resource.uri,
            cause="consent_revoked",
            now=now,
            its_own_too=False,
        )
        consent.created_at = now
        consent.revoked_at = None
    consent.scopes = sorted(standing | set(scopes))
    consent.projects = list(projects) or consent.projects
    consent.save(update_fields=["scopes", "projects", "revoked_at", "created_at", "updated_at"])
