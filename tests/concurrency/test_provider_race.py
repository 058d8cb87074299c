"""Providers made, used and removed at once, on PostgreSQL."""

from __future__ import annotations

import itertools

import pytest

from tests.support.storm import storm

pytestmark = [pytest.mark.server, pytest.mark.postgres]

ROUNDS = 6
HEADERS = {"Authorization": "Bearer operator-key-of-the-test-suite-06"}


@pytest.fixture
def operator_url(crowd_server):
    return crowd_server(AUTHPLANE_LISTENER="operator").url


def body_of(slug):
    return {
        "slug": slug, "preset": "github", "config_data": {"client_id": "c"}, "secret": "hush-hush",
    }  # fmt: skip


def making(slug):
    body = body_of(slug)
    return lambda http: http.post("/admin/broker-providers", json=body, headers=HEADERS)


def each(*senders):
    """Every sender once."""
    waiting = iter(senders)

    def send(http):
        return next(waiting)(http)

    return send


def test_one_slug_is_taken_once(operator_url):
    from audit.models import AuditEvent
    from broker.models import BrokerProvider

    answers = storm(operator_url, making("github"), count=12)

    assert [201] + [409] * 11 == sorted(answer.status_code for answer in answers)
    assert 1 == BrokerProvider.objects.count()
    assert 1 == AuditEvent.objects.filter(action="broker_provider.created").count()


def test_every_provider_gets_a_number_of_its_own(operator_url):
    answers = storm(operator_url, each(*(making(f"up-{n}") for n in range(12))), count=12)

    assert {201} == {answer.status_code for answer in answers}
    assert set(range(1, 13)) == {answer.json()["number"] for answer in answers}


def test_a_provider_is_not_removed_under_a_resource_that_is_being_made(operator_url):
    from broker.models import BrokerProvider
    from broker.providers.services import create_provider
    from oauth.models import Resource

    for round_ in range(ROUNDS):
        row = create_provider(body_of(f"up-{round_}"))
        body = {
            "slug": f"forge-{round_}",
            "backend_kind": "broker",
            "broker_provider_id": str(row.pk),
        }
        answers = storm(
            operator_url,
            each(
                lambda http, body=body: http.post("/admin/resources", json=body, headers=HEADERS),
                lambda http, key=row.pk: http.delete(
                    f"/admin/broker-providers/{key}", headers=HEADERS
                ),
            ),
            count=2,
        )

        assert sorted(answer.status_code for answer in answers) in ([201, 409], [204, 400])
        used = Resource.objects.filter(broker_provider=row.pk).exists()
        assert used == BrokerProvider.objects.filter(pk=row.pk).exists()


def test_one_of_several_changes_from_the_same_version_is_made(operator_url):
    from broker.providers.services import create_provider

    row = create_provider(body_of("github"))
    names = itertools.count()

    def changing(http):
        body = {"display_name": f"Name {next(names)}", "version": 1}
        return http.patch(f"/admin/broker-providers/{row.pk}", json=body, headers=HEADERS)

    answers = storm(operator_url, changing, count=8)

    assert [200] + [409] * 7 == sorted(answer.status_code for answer in answers)
    row.refresh_from_db()
    assert 2 == row.version
