"""Fields that take a value of their type and nothing that could be made into one."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from oauth.registration.values import is_plain_text


class Text(serializers.CharField):
    """A JSON string of one line."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("trim_whitespace", False)
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> str:
        """The string.

        Raises: ValidationError.
        """
        if not isinstance(data, str):
            self.fail("invalid")
        if not is_plain_text(data):
            raise serializers.ValidationError("must not hold control characters")
        return super().to_internal_value(data)


class Secret(serializers.CharField):
    """A JSON string of any characters that is never shown."""

    def __init__(self, **options: Any) -> None:
        super().__init__(trim_whitespace=False, write_only=True, **options)

    def to_internal_value(self, data: Any) -> str:
        """The string.

        Raises: ValidationError.
        """
        if not isinstance(data, str):
            self.fail("invalid")
        try:
            data.encode()
        except UnicodeEncodeError:
            raise serializers.ValidationError("must be valid text") from None
        return super().to_internal_value(data)


class Flag(serializers.BooleanField):
    """`true` or `false`."""

    def to_internal_value(self, data: Any) -> bool:
        """The truth value.

        Raises: ValidationError.
        """
        if not isinstance(data, bool):
            self.fail("invalid")
        return data


class Body(serializers.Serializer[Any]):
    """A JSON object without members that nobody reads."""

    def to_internal_value(self, data: Any) -> Any:
        """The members; what is wrong with known ones and which ones are unknown is told together.

        Raises: ValidationError.
        """
        errors: dict[str, Any] = {}
        if isinstance(data, dict):
            errors = {
                str(name): ["is not a known field"] for name in data if name not in self.fields
            }
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as error:
            if isinstance(error.detail, dict):
                raise serializers.ValidationError({**error.detail, **errors}) from None
            raise
        if errors:
            raise serializers.ValidationError(errors)
        return value
