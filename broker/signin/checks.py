"""What must hold about signing in before the server answers."""

from __future__ import annotations

from typing import Any

from django.core import checks
from django.db import DatabaseError

from authplane.core.config import config
from broker.models import IdentityProvider
from broker.signin.providers import is_enabled


@checks.register(checks.Tags.database)
def check_somebody_can_sign_in(**_: Any) -> list[checks.CheckMessage]:
    """Without passwords there is an identity provider; else nobody gets in, and nobody notices.

    A database that cannot be asked, or has no tables yet, is not this check's business.
    """
    if config().oidc.show_local_login:
        return []
    try:
        if any(is_enabled(row) for row in IdentityProvider.objects.filter(enabled=True)):
            return []
    except DatabaseError:
        return []
    return [
        checks.Critical(
            "Nobody can sign in: passwords are switched off and no identity provider is enabled.",
            hint="Set AUTHPLANE_OIDC_ENABLED and the settings of a provider, register one (by "
            "manage.py identity_provider create), or set AUTHPLANE_OIDC_SHOW_LOCAL_LOGIN to true.",
            id="authplane.E021",
        )
    ]
