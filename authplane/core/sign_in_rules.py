"""Rules over the settings of signing in at an identity provider."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from authplane.core.uris import check_redirect_uri

if TYPE_CHECKING:
    from collections.abc import Iterator

    from authplane.core.areas import Config

CALLBACK = "/oidc/callback"


def sign_in_problems(config: Config, *, local: bool) -> Iterator[str]:
    """Every broken rule, in words."""
    oidc = config.oidc
    if oidc.enabled:
        if not oidc.issuer or not oidc.client_id:
            yield "AUTHPLANE_OIDC_ISSUER and AUTHPLANE_OIDC_CLIENT_ID are required with ..._ENABLED"
        if bool(oidc.client_secret) == bool(oidc.client_secret_ref):
            yield "exactly one of AUTHPLANE_OIDC_CLIENT_SECRET and oidc.client_secret_ref is needed"
    if not (uri := oidc.redirect_uri):
        return
    wrong = check_redirect_uri(uri, private_schemes=()) or "?" in uri
    if wrong or not urlsplit(uri).path.endswith(CALLBACK):
        yield f"AUTHPLANE_OIDC_REDIRECT_URI must be an https URL that ends in {CALLBACK}"
    elif not local and not uri.startswith("https://"):
        yield "AUTHPLANE_OIDC_REDIRECT_URI must be https unless the issuer is localhost"
