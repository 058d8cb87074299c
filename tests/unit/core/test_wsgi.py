"""What the WSGI application adds to Django's."""

from __future__ import annotations

import io

import pytest
from django.db import connection, connections
from django.db.backends.signals import connection_created

from authplane.core import lifecycle
from authplane.core.config import override_config


@pytest.mark.postgres
@pytest.mark.shows("setting", "server.write_timeout")
@pytest.mark.django_db(transaction=True)
def test_no_statement_outlives_the_time_of_an_answer():
    from django.db.utils import OperationalError

    from authplane import wsgi

    # Said anew: another test may have loaded the module, and taken its receiver off.
    connection_created.connect(wsgi.limit_statements, dispatch_uid="authplane.limit_statements")
    connection.close()
    try:
        with override_config(server={"write_timeout": 1}), connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            assert cursor.fetchone() == ("1s",)
            cursor.execute("SHOW jit")
            assert cursor.fetchone() == ("off",)
            with pytest.raises(OperationalError):
                cursor.execute("SELECT pg_sleep(3)")
    finally:
        connection_created.disconnect(dispatch_uid="authplane.limit_statements")
        connection.close()
    assert callable(wsgi.application)


@pytest.mark.django_db
class TestLifecycle:
    """Both ends of a request are told to whoever asked, by either way in."""

    def answer(self, path: str, **more: str) -> tuple[str, dict[str, str], bytes]:
        from authplane import wsgi

        told: list[tuple[str, list[tuple[str, str]]]] = []
        environ = {
            "REQUEST_METHOD": "GET", "PATH_INFO": path, "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80", "wsgi.input": io.BytesIO(), "wsgi.url_scheme": "http",
            "REMOTE_ADDR": "192.0.2.9",
        } | more  # fmt: skip
        try:
            body = wsgi.application(environ, lambda status, headers: told.append((status, headers)))
            text = b"".join(body)
        finally:
            connection_created.disconnect(dispatch_uid="authplane.limit_statements")
        if hasattr(body, "close"):
            body.close()
        return told[0][0], dict(told[0][1]), text

    @pytest.mark.parametrize("path", ["/livez", "/docs/errors"], ids=["machine", "page"])
    @pytest.mark.parametrize("prefix", ["", "/below"])
    def test_both_ways_in_tell_both_ends_once(self, path, prefix, monkeypatch):
        begun, ended = [], []
        monkeypatch.setattr(lifecycle, "_beginnings", [begun.append])
        monkeypatch.setattr(lifecycle, "_ends", [lambda: ended.append(len(begun))])

        status, headers, body = self.answer(path, SCRIPT_NAME=prefix)

        assert status == "200 OK"
        assert headers["X-Request-Id"]
        assert body
        assert [environ["REMOTE_ADDR"] for environ in begun] == ["192.0.2.9"]
        # Once before the request, for what an earlier one may have left, and once after it.
        assert ended == [0, 1]

    def test_a_broken_connection_is_let_go_after_a_machine_request(self, monkeypatch):
        closed = []
        monkeypatch.setattr(
            type(connections["default"]),
            "close_if_unusable_or_obsolete",
            lambda self: closed.append(self.alias),
        )

        assert self.answer("/livez")[0] == "200 OK"

        assert closed == ["default"]
