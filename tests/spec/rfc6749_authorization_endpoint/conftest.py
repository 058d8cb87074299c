import pytest

from tests.support import factories


@pytest.fixture
def user(db):
    return factories.make_user()


@pytest.fixture
def resource(db):
    return factories.make_resource()


@pytest.fixture
def client(oauth, resource):
    return factories.driver_for(factories.make_client(), base=oauth, resource=resource.uri)
