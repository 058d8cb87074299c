"""An operator at the operator API."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from tests.support.specification import of_operators

KEY = "operator-key-of-the-test-suite-06"


class OperatorAtTheApi:
    """Calls with the right key unless told otherwise. Every answer is one that is documented."""

    def __init__(self):
        self.http = Client()

    def call(self, method, path, body=None, *, key=KEY, raw=None, **headers):
        if key is not None:
            headers.setdefault("authorization", f"Bearer {key}")
        if body is not None or raw is not None:
            data = raw if raw is not None else json.dumps(body)
            headers.setdefault("content_type", "application/json")
            kind = headers.pop("content_type")
            answer = self.http.generic(method, path, data, content_type=kind, headers=headers)
        else:
            answer = self.http.generic(method, path, headers=headers)
        of_operators().require_documented(method, answer)
        return answer

    def get(self, path, **options):
        return self.call("GET", path, **options)

    def post(self, path, body=None, **options):
        return self.call("POST", path, body, **options)

    def patch(self, path, body=None, **options):
        return self.call("PATCH", path, body, **options)

    def delete(self, path, **options):
        return self.call("DELETE", path, **options)


@pytest.fixture
def operator(db):
    return OperatorAtTheApi()
