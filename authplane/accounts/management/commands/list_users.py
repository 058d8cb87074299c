"""`manage.py list_users`: who has an account."""

from __future__ import annotations

from typing import Any

from authplane.accounts.selectors import list_users
from authplane.core.management.output import ReportingCommand


class Command(ReportingCommand):
    """One line a user, or one document."""

    help = "List the users, the newest first."

    def handle(self, *, json: bool, **_: Any) -> None:
        """Every user is printed."""
        users = [
            {
                "id": str(user.pk),
                "email": user.email or "",
                "role": user.role,
                "status": user.status,
            }
            for user in list_users().iterator()
        ]
        if json:
            self.report({"users": users, "total": len(users)}, title="users", as_json=True)
            return
        for user in users:
            self.report(user, title="user", as_json=False)
        if not users:
            self.stdout.write("no users found")
