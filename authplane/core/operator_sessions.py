"""Session engine of the operator listener: a table of its own.

Both listeners sign their sessions with one secret. If they also shared the table, the value of a
public session cookie, sent under the console's cookie name, would open the console.
"""

from __future__ import annotations

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

from authplane.core.models import OperatorSession


class SessionStore(DatabaseStore):
    """Sessions in ``OperatorSession``."""

    @classmethod
    def get_model_class(cls) -> type[OperatorSession]:
        """The table of this store."""
        return OperatorSession
