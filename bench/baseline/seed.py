"""Fills the baseline's database and prints, as JSON, what a load run needs to know of it."""

from __future__ import annotations

import json
import os
import secrets

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.baseline.plain.settings")


def main() -> None:
    """Schema, one user with a session, a machine client and a public client."""
    django.setup()
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.auth.models import User
    from django.contrib.sessions.backends.db import SessionStore
    from django.core.management import call_command
    from oauth2_provider.models import Application

    call_command("migrate", verbosity=0, interactive=False)
    user = User.objects.create_user("bench", password=secrets.token_urlsafe())
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    secret = secrets.token_urlsafe(32)
    machine = Application.objects.create(
        name="machine",
        user=user,
        client_type="confidential",
        authorization_grant_type="client-credentials",
        client_secret=secret,
    )
    public = Application.objects.create(
        name="public",
        user=user,
        client_type="public",
        authorization_grant_type="authorization-code",
        redirect_uris="https://client.example.com/callback",
        # As with a remembered consent: the page is not shown again.
        skip_authorization=True,
    )
    print(
        json.dumps(
            {
                "machine_id": machine.client_id,
                "machine_secret": secret,
                "public_id": public.client_id,
                "cookie": f"sessionid={session.session_key}",
            }
        )
    )


if __name__ == "__main__":
    main()
