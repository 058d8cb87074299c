"""Links made at once never close a cycle, and never name what is going away, on PostgreSQL."""

from __future__ import annotations

import itertools

import pytest

from tests.support.factories import make_resource
from tests.support.storm import storm

pytestmark = [pytest.mark.server, pytest.mark.postgres]

ROUNDS = 6
KEY = "operator-key-of-the-test-suite-06"
HEADERS = {"Authorization": f"Bearer {KEY}"}
MAP = {"read": ["read"]}


@pytest.fixture
def operator_url(crowd_server):
    return crowd_server(AUTHPLANE_LISTENER="operator").url


def making(source, target):
    body = {"source": source.slug, "target": target.slug, "scope_map": MAP}
    return lambda http: http.post("/admin/fronting", json=body, headers=HEADERS)


def in_turn(*senders, count):
    waiting = itertools.islice(itertools.cycle(senders), count)

    def send(http):
        return next(waiting)(http)

    return send


def statuses(url, *senders, count):
    return sorted(answer.status_code for answer in storm(url, in_turn(*senders, count=count),
                                                         count=count))  # fmt: skip


@pytest.mark.parametrize("length", [2, 3])
def test_links_that_together_close_a_cycle_do_not_all_succeed(operator_url, length):
    from oauth.models import FrontingLink

    for _ in range(ROUNDS):
        ring = [make_resource() for _ in range(length)]
        senders = [making(*pair) for pair in zip(ring, ring[1:] + ring[:1], strict=True)]

        answered = statuses(operator_url, *senders, count=length)

        assert [201] * (length - 1) + [400] == answered
        assert length - 1 == FrontingLink.objects.filter(source__in=ring).count()


def test_one_pair_is_linked_once(operator_url):
    from audit.models import AuditEvent
    from oauth.models import FrontingLink

    source, target = make_resource(), make_resource()

    answered = statuses(operator_url, making(source, target), count=16)

    assert [201] + [409] * 15 == answered
    assert 1 == FrontingLink.objects.count()
    assert 1 == AuditEvent.objects.filter(action="fronting_link.created").count()


def test_a_scope_is_not_removed_under_a_link_that_is_being_made(operator_url):
    from oauth.models import FrontingLink, Resource

    for _ in range(ROUNDS):
        source, target = make_resource(), make_resource()
        change = {"scopes": [{"name": "write"}]}

        statuses(
            operator_url,
            making(source, target),
            lambda http, row=target, body=change: http.patch(
                f"/admin/resources/{row.pk}", json=body, headers=HEADERS
            ),
            count=2,
        )

        left = {scope["name"] for scope in Resource.objects.get(pk=target.pk).scopes}
        linked = FrontingLink.objects.filter(source=source).exists()
        assert linked == ("read" in left)


def test_a_resource_is_not_deleted_under_a_link_that_is_being_made(operator_url):
    from oauth.models import FrontingLink, Resource

    for _ in range(ROUNDS):
        source, target = make_resource(), make_resource()

        answered = statuses(
            operator_url,
            making(source, target),
            lambda http, row=target: http.delete(f"/admin/resources/{row.pk}", headers=HEADERS),
            count=2,
        )

        assert answered in ([201, 409], [204, 400])
        linked = FrontingLink.objects.filter(source=source).exists()
        assert linked == Resource.objects.filter(pk=target.pk).exists()
