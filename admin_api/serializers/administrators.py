"""Bodies about keys of administrators, staff, and approvals."""

from __future__ import annotations

from rest_framework import serializers

from admin_api.administrators.keys import MOST_DAYS
from admin_api.operations import Role
from admin_api.serializers.strict import Body, Text

MOST_ALLOWED = 200


class WholeNumber(serializers.IntegerField):
    """A JSON number without a fraction; no text that looks like one."""

    def to_internal_value(self, data: object) -> int:
        """The number. Raises: ValidationError."""
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return super().to_internal_value(data)


class NewAdminKey(Body):
    """Body of `POST /admin/admin-keys`."""

    name = Text(max_length=64)
    description = Text(required=False, allow_blank=True, default="", max_length=255)
    role = serializers.ChoiceField(choices=list(Role))
    allowed = serializers.ListField(
        child=Text(), required=False, allow_null=True, default=None, max_length=MOST_ALLOWED
    )
    expires_in_days = WholeNumber(
        required=False, allow_null=True, default=None, min_value=1, max_value=MOST_DAYS
    )


class NewStaff(Body):
    """Body of `POST /admin/staff`."""

    user_id = Text(max_length=64)
    role = serializers.ChoiceField(choices=list(Role))


class StaffChange(Body):
    """Body of `PATCH /admin/staff/{user_id}`."""

    role = serializers.ChoiceField(choices=list(Role))


class NewApproval(Body):
    """Body of `POST /admin/approvals`."""

    client_id = Text(max_length=512)


class Answer(Body):
    """Body of an approval or a rejection; none at all means no reason."""

    reason = Text(required=False, allow_blank=True, default="", max_length=255)
