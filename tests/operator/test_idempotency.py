"""`Idempotency-Key` on the operator API: what is sent again has its effect once."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from authplane.accounts.models import User
from authplane.core import clock
from authplane.core.models import KeptAnswer
from oauth.models import Client
from tests.support.digests import nothing_changes

KEY = "0d1c8a7e-4c54-4c6b-9d55-7a51f4a6a001"
MACHINE = {
    "client_name": "nightly",
    "grant_types": ["client_credentials"],
    "token_endpoint_auth_method": "client_secret_basic",
}
USER = {"email": "ada@example.com", "password": "a long enough passphrase"}


def test_the_same_request_has_one_effect_and_one_answer(operator):
    first = operator.post("/admin/clients", MACHINE, idempotency_key=KEY)
    with nothing_changes():
        second = operator.post("/admin/clients", MACHINE, idempotency_key=KEY)

    assert first.status_code == second.status_code == 201
    assert first.json() == second.json(), "the secret, which is shown once, is shown once more"
    assert first.headers.get("Idempotency-Replayed") is None
    assert second.headers["Idempotency-Replayed"] == "true"
    assert second.headers["Cache-Control"] == "no-store"
    assert Client.objects.filter(name="nightly").count() == 1


def test_the_database_alone_does_not_tell_the_answer(operator):
    secret = operator.post("/admin/clients", MACHINE, idempotency_key=KEY).json()["client_secret"]

    row = KeptAnswer.objects.get()
    assert secret.encode() not in bytes(row.sealed)
    assert KEY not in f"{row.digest}{row.fingerprint}"


def test_the_key_of_another_request_is_refused(operator):
    operator.post("/admin/users", USER, idempotency_key=KEY)

    with nothing_changes():
        answer = operator.post(
            "/admin/users", USER | {"email": "eve@example.com"}, idempotency_key=KEY
        )

    assert (answer.status_code, answer.json()["error"]) == (422, "invalid_request")


def test_what_was_refused_may_be_tried_again(operator):
    refused = operator.post("/admin/users", USER | {"password": "short"}, idempotency_key=KEY)
    assert refused.status_code == 400
    assert not KeptAnswer.objects.exists()

    assert operator.post("/admin/users", USER, idempotency_key=KEY).status_code == 201


def test_without_the_key_of_the_api_nothing_is_told(operator):
    operator.post("/admin/users", USER, idempotency_key=KEY)

    answer = operator.post("/admin/users", USER, idempotency_key=KEY, key="wrong")

    assert answer.status_code == 401
    assert "ada@example.com" not in answer.text


def test_a_key_is_forgotten_after_a_day(operator):
    operator.post("/admin/users", USER, idempotency_key=KEY)
    KeptAnswer.objects.update(expires_at=clock.now() - timedelta(seconds=1))

    assert operator.post("/admin/users", USER, idempotency_key=KEY).status_code == 409


@pytest.mark.parametrize("key", ["short", "x" * 256, "0123456789 abcdef"])
def test_a_key_that_could_be_met_by_chance_is_refused(operator, key):
    with nothing_changes():
        answer = operator.post("/admin/users", USER, idempotency_key=key)

    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()["detail"]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_has_the_effect(operator):
    key = str(uuid.uuid4())

    def ask(_):
        try:
            return operator.post("/admin/users", USER, idempotency_key=key)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert User.objects.count() == 1
