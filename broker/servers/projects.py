"""Projects as the authorization server lets users choose them."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from authplane.accounts.models import User
from broker.models import Project
from broker.servers.services import default_project
from oauth.ports import MAX_PROJECTS, ProjectName


class Projects:
    """Reads the database each time: what was removed opens nothing any more."""

    def projects_of(self, user_id: uuid.UUID) -> tuple[ProjectName, ...]:
        """The user's projects, the default one first, then the oldest."""
        rows = Project.objects.filter(user=user_id).order_by("-is_default", "id")[:MAX_PROJECTS]
        return tuple(ProjectName(row.pk, row.name, row.is_default) for row in rows)

    def owned(self, user_id: uuid.UUID, keys: Collection[uuid.UUID]) -> frozenset[uuid.UUID]:
        """Those of `keys` that are projects of the user's. One statement."""
        found = Project.objects.filter(user=user_id, pk__in=keys).values_list("pk", flat=True)
        return frozenset(found)

    def default_of(self, user_id: uuid.UUID) -> uuid.UUID | None:
        """The user's default project: made when it is needed first, and once only."""
        return default_project(User.objects.get(pk=user_id)).pk
