"""Which user a person of an identity provider is: by provider and subject, and by nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db import IntegrityError, transaction

from audit import record
from audit.events import IdentityLinked, IdentityUnlinked
from authplane.accounts.errors import EmailTaken
from authplane.accounts.models import User
from authplane.accounts.services import create_user, set_role, update_user
from authplane.core import clock
from broker.models import FederatedIdentity, IdentityProvider
from broker.signin.errors import IdentityTaken, NoSuchIdentity, SignInRefused
from broker.signin.id_token import MAX_SUBJECT
from broker.signin.profile import Profile
from broker.signin.providers import SignInProvider

DISABLED: Final = "user_disabled"
WRONG_DOMAIN: Final = "email_domain_not_allowed"
EMAIL_TAKEN: Final = "email_in_use"
LOCAL: Final = "local"


@dataclass(frozen=True, slots=True)
class Known:
    """The user, and whether the account was made just now."""

    user: User
    is_new: bool


def user_of(profile: Profile, *, provider: SignInProvider) -> Known:
    """The user of this person, made at the first time, with the groups and role of now.

    An account with the same e-mail address is somebody else's until an operator says otherwise.

    Raises: SignInRefused with one of this module's reasons; nothing was changed then.
    """
    _require_domain(profile, provider=provider)
    identity = _find(profile, provider)
    if identity is None:
        try:
            return Known(_make(profile, provider=provider), is_new=True)
        except IntegrityError:
            # Somebody was quicker: this person in another tab, as a rule.
            identity = _find(profile, provider)
        except EmailTaken:
            identity = _find(profile, provider)
            if identity is None:
                raise SignInRefused(EMAIL_TAKEN) from None
    if identity is None:
        raise SignInRefused(EMAIL_TAKEN)
    if not identity.user.is_active:
        raise SignInRefused(DISABLED, actor=str(identity.user_id))
    return Known(_renew(identity, profile, provider=provider), is_new=False)


def link(
    *, provider: IdentityProvider, subject: str, user: User, actor: str = "system"
) -> FederatedIdentity:
    """The subject is this user from now on; passwords and role of the account stay as they are.

    Raises: IdentityTaken; ValueError for what is no subject.
    """
    if not 0 < len(subject) <= MAX_SUBJECT or not subject.isprintable():
        message = f"subject must have 1 to {MAX_SUBJECT} printable characters"
        raise ValueError(message)
    try:
        with transaction.atomic():
            if FederatedIdentity.objects.filter(provider=provider, user=user).exists():
                raise IdentityTaken("the user is linked with another subject of this provider")
            row = FederatedIdentity.objects.create(provider=provider, subject=subject, user=user)
            _record_link(row, slug=provider.slug, actor=actor)
    except IntegrityError:
        raise IdentityTaken("the subject is linked with another user") from None
    return row


def unlink(*, provider: IdentityProvider, subject: str, actor: str = "system") -> User:
    """The subject is nobody here; at its next sign-in it becomes a new user.

    Raises: NoSuchIdentity.
    """
    with transaction.atomic():
        row = (
            FederatedIdentity.objects.select_for_update(of=("self",))
            .select_related("user")
            .filter(provider=provider, subject=subject)
            .first()
        )
        if row is None:
            raise NoSuchIdentity
        user = row.user
        if (user.provider, user.provider_sub) == (provider.slug, subject):
            User.objects.filter(pk=user.pk).update(provider=LOCAL, provider_sub="")
        event = IdentityUnlinked(
            actor_id=actor, id=str(row.pk), provider=provider.slug, user=str(user.pk)
        )
        row.delete()
        record.record(event)
    return user


def _require_domain(profile: Profile, *, provider: SignInProvider) -> None:
    """Raises: SignInRefused."""
    domain = profile.email.rpartition("@")[2].lower()
    if provider.allowed_domains and domain not in provider.allowed_domains:
        raise SignInRefused(WRONG_DOMAIN)


def _find(profile: Profile, provider: SignInProvider) -> FederatedIdentity | None:
    rows = FederatedIdentity.objects.select_related("user")
    return rows.filter(provider_id=provider.id, subject=profile.subject).first()


def _make(profile: Profile, *, provider: SignInProvider) -> User:
    """A new account. Raises: EmailTaken; IntegrityError when the subject has one meanwhile."""
    with transaction.atomic():
        user = create_user(
            email=profile.email or None,
            password=None,
            name=profile.name,
            role=_role(profile, provider=provider) or User.Role.USER,
            provider=provider.slug,
            provider_sub=profile.subject,
        )
        row = FederatedIdentity.objects.create(
            provider_id=provider.id,
            subject=profile.subject,
            user=user,
            groups=list(profile.groups),
        )
        _record_link(row, slug=provider.slug, actor="system")
    return user


def _renew(identity: FederatedIdentity, profile: Profile, *, provider: SignInProvider) -> User:
    """What the provider says now is what is known; of a linked account only the groups are."""
    user = identity.user
    with transaction.atomic():
        FederatedIdentity.objects.filter(pk=identity.pk).update(
            groups=list(profile.groups), last_seen_at=clock.now()
        )
        if (user.provider, user.provider_sub) != (provider.slug, profile.subject):
            return user
        role = _role(profile, provider=provider)
        if role and role != user.role:
            set_role(user=user, role=role)
    email = profile.email if profile.email and profile.email != user.email else None
    name = profile.name if profile.name and profile.name != user.name else None
    if email or name:
        _rename(user, email=email, name=name)
    return user


def _rename(user: User, *, email: str | None, name: str | None) -> None:
    """The account has the provider's address and name; an address of somebody else stays theirs."""
    try:
        update_user(user=user, email=email, name=name)
    except EmailTaken:
        user.refresh_from_db()
        if name:
            update_user(user=user, name=name)


def _role(profile: Profile, *, provider: SignInProvider) -> str:
    """The highest role of the person's groups; "" where the provider decides no roles."""
    if not provider.role_map:
        return ""
    mapped = {provider.role_map.get(group) for group in profile.groups}
    return User.Role.ADMIN if User.Role.ADMIN in mapped else User.Role.USER


def _record_link(row: FederatedIdentity, *, slug: str, actor: str) -> None:
    record.record(
        IdentityLinked(actor_id=actor, id=str(row.pk), provider=slug, user=str(row.user_id))
    )
