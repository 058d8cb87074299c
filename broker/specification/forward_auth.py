"""What proxy servers ask before they forward a request: on the operator listener."""

from __future__ import annotations

from typing import Any, Final

from authplane.core.openapi.operations import in_path, operation
from authplane.core.openapi.shapes import TEXT, Schema

KEY: Final = "forwardAuthKey"
SCHEMES: Final[dict[str, Schema]] = {
    KEY: {
        "type": "apiKey",
        "in": "header",
        "name": "X-Forward-Auth-Key",
        "description": "`AUTHPLANE_FORWARD_AUTH_KEY`. Without one configured there is no route.",
    }
}
_HEADERS: Final = ("X-Authplane-User", "X-Authplane-Client", "X-Authplane-Scope")
PATHS: Final[dict[str, Any]] = {
    "/proxy/{slug}/authz": {
        "get": operation(
            "forward_auth",
            "May this request be forwarded, and with which credential.",
            tag="server",
            security=(KEY,),
            parameters=[in_path("slug", TEXT, "The slug of an OAuth proxy.")],
            answers={
                "200": {
                    "description": "Yes; the upstream credential is in the header that the "
                    "provider is configured with.",
                    "headers": {name: {"schema": TEXT} for name in _HEADERS},
                }
            },
            refused=(401, 403, 404, 503),
            about="For nginx `auth_request`, Envoy ext_authz and Traefik ForwardAuth. The caller's "
            "own token or API key comes along as it was sent.",
        )
    }
}
