"""What may be said about a rotation of signing keys."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from admin_api.serializers.strict import Body, Flag


class Rotate(Body):
    """Body of `POST /admin/keys/rotate`; it may be left out."""

    immediate = Flag(default=False)
    withdraw = Flag(default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Earlier keys can be withdrawn only when another one signs at once."""
        if attrs["withdraw"] and not attrs["immediate"]:
            raise serializers.ValidationError({"withdraw": ["goes with immediate only"]})
        return attrs
