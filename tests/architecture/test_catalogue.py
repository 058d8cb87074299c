"""Nothing is declared that no request can show: settings, metrics and audit events."""

from __future__ import annotations

import pytest

from tests.support.catalogue import demonstrations


def declared_settings():
    from authplane.core.loading import declared

    return {setting.key for _, _, setting in declared()}


def declared_metrics():
    from authplane.core import metrics

    return {*metrics.COUNTERS, *metrics.HISTOGRAMS, *metrics.GAUGES}


def declared_events():
    from audit import events

    return set(events.CATALOGUE)


DECLARED = {
    "setting": declared_settings,
    "metric": declared_metrics,
    "audit event": declared_events,
}


@pytest.mark.parametrize("kind", DECLARED)
def test_everything_declared_is_demonstrated(kind):
    missing = DECLARED[kind]() - set(demonstrations()[kind])

    assert missing == set(), f'mark a test with @pytest.mark.shows("{kind}", ...)'


@pytest.mark.parametrize("kind", DECLARED)
def test_nothing_is_demonstrated_that_does_not_exist(kind):
    assert set(demonstrations()[kind]) - DECLARED[kind]() == set()


def test_every_mark_names_a_known_kind():
    assert set(demonstrations()) <= set(DECLARED)
