"""What the WSGI application adds to Django's."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.backends.signals import connection_created

from authplane.core.config import override_config


@pytest.mark.postgres
@pytest.mark.shows("setting", "server.write_timeout")
@pytest.mark.django_db(transaction=True)
def test_no_statement_outlives_the_time_of_an_answer():
    from django.db.utils import OperationalError

    from authplane import wsgi

    connection.close()
    try:
        with override_config(server={"write_timeout": 1}), connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            assert cursor.fetchone() == ("1s",)
            with pytest.raises(OperationalError):
                cursor.execute("SELECT pg_sleep(3)")
    finally:
        connection_created.disconnect(dispatch_uid="authplane.limit_statements")
        connection.close()
    assert callable(wsgi.application)
