"""`/admin/keys`: the keys that sign tokens."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from admin_api.exceptions import Refused
from admin_api.operations import Role, operation
from admin_api.routes import SMALL_BODY, OperatorRoutes, known_parameters
from admin_api.serializers.signing_keys import Rotate
from authplane.core.http import json_response
from oauth.keys.record import KeyUnavailable
from oauth.keys.rotation import rotate
from oauth.keys.view import shown_keys, shown_rotation


class SigningKeys(OperatorRoutes):
    """What signs now, what will, and what still verifies."""

    @operation(answers="SigningKey", listed="keys")
    def list(self, request: Request) -> HttpResponse:
        """The published keys, the one that signs first; always all of them."""
        known_parameters(request)
        try:
            keys = shown_keys()
        except KeyUnavailable:
            raise _failed("the keys cannot be read") from None
        return json_response({"keys": keys, "total": len(keys), "next_cursor": None})

    @operation(reads=Rotate, answers="Rotation", events=("key.rotated",), role=Role.SECURITY)
    def rotate(self, request: Request) -> HttpResponse:
        """Another key is published and signs once every verifier had time to fetch it.

        With `immediate` it signs at once; with `withdraw` as well, no earlier signature counts.
        """
        asked = {"immediate": False, "withdraw": False}
        if request.META.get("CONTENT_LENGTH"):
            asked = self.read(request, Rotate, limit=SMALL_BODY).validated_data
        try:
            done = rotate(**asked, actor=self.actor(request))
        except KeyUnavailable:
            raise _failed("key rotation failed") from None
        return json_response(shown_rotation(done))


def _failed(text: str) -> Refused:
    return Refused(status=500, error="server_error", text=text)
