"""Identity providers for sign-in: over the operator API, from shell, seeds and settings."""

from __future__ import annotations

import io
import json

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command

from authplane.accounts.models import User
from authplane.core.loading import ConfigurationError, load
from broker.models import FederatedIdentity, IdentityProvider
from broker.signin import providers
from broker.signin.checks import check_somebody_can_sign_in
from tests.support.digests import nothing_changes
from tests.support.factories import make_user
from tests.support.openid import SECRET, Visitor, running_openid
from tests.support.record import recorded
from tests.support.upstream import ALLOWED

pytestmark = pytest.mark.django_db
PATH = "/admin/identity-providers"
GOOD = {
    "slug": "Acme",
    "display_name": "Acme",
    "issuer": "https://acme.example.com",
    "client_id": "us",
    "secret": SECRET,
}
SETTINGS = {
    "enabled": True,
    "issuer": "https://idp.example.com",
    "client_id": "us",
    "client_secret": SECRET,
}
NOBODY = "018f3a5c-0000-7000-8000-000000000001"


def make(**members):
    from broker.signin.services import create_provider

    return create_provider(GOOD | members)


def said(*arguments):
    out = io.StringIO()
    call_command("identity_provider", *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


@pytest.mark.shows(
    "audit event",
    "identity_provider.created", "identity_provider.patched", "identity_provider.deleted",
)  # fmt: skip
def test_the_whole_life_of_one(operator):
    made = operator.post(PATH, GOOD)
    assert made.status_code == 201, made.content
    made = made.json()
    path = f"{PATH}/{made['id']}"
    assert made == {
        "id": made["id"], "slug": "acme", "display_name": "Acme",
        "issuer": "https://acme.example.com", "client_id": "us", "has_secret": True,
        "secret_ref": "", "token_endpoint_auth_method": "", "include_groups_scope": True,
        "scopes": ["openid", "email", "profile"],
        "connector_id": "", "allowed_domains": [], "groups_claim": "groups", "role_map": {},
        "enabled": True, "from_settings": False, "version": 1,
        "redirect_uri": "http://localhost:9000/oidc/callback/acme",
        "post_logout_redirect_uri": "http://localhost:9000/login",
        "created_at": made["created_at"], "updated_at": made["updated_at"],
    }  # fmt: skip
    assert made == operator.get(path).json() == operator.get(f"{PATH}?slug=acme").json()
    listed = operator.get(PATH).json()
    assert {"identity_providers": [made], "total": 1, "next_cursor": None} == listed

    changed = operator.patch(path, {"secret": "other", "allowed_domains": ["A.example"]}).json()
    assert (["a.example"], 2) == (changed["allowed_domains"], changed["version"])
    assert 409 == operator.patch(path, {"enabled": False, "version": 1}).status_code
    assert 2 == operator.patch(path, {"enabled": True}).json()["version"]
    assert 204 == operator.delete(path).status_code
    assert 404 == operator.get(path).status_code
    told = {"id": made["id"], "slug": "acme"}
    assert [told | {"issuer": GOOD["issuer"]}] == recorded("identity_provider.created")
    assert [
        told | {"fields": "secret_sealed,allowed_domains".replace("secret_sealed", "secret")}
    ] == (recorded("identity_provider.patched"))
    assert [told] == recorded("identity_provider.deleted")


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("slug", "local"), ("slug", "oidc"), ("slug", "a/b"), ("slug", 7), ("slug", ""),
        ("display_name", ""), ("display_name", "a\nb"), ("display_name", "x" * 256),
        ("issuer", "http://acme.example.com"), ("issuer", "ftp://x"), ("issuer", 7),
        ("issuer", "https://acme.example.com/?x=1"), ("issuer", "https://a@acme.example.com"),
        ("client_id", ""), ("client_id", None),
        ("secret", ""), ("secret", 7),
        ("secret_ref", "PATH"), ("secret_ref", "CONNECTOR_X"),
        ("scopes", ["email"]), ("scopes", "openid"), ("scopes", ["openid", "a b"]),
        ("include_groups_scope", "yes"), ("enabled", 1), ("connector_id", "a/b"),
        ("allowed_domains", "example.com"), ("allowed_domains", ["@example.com"]),
        ("allowed_domains", [7]), ("groups_claim", "a b"),
        ("role_map", {"ops": "root"}), ("role_map", {"": "admin"}), ("role_map", []),
        ("token_endpoint_auth_method", "private_key_jwt"), ("unknown", "x"),
    ],
)  # fmt: skip
def test_what_is_refused(operator, member, value):
    with nothing_changes():
        answer = operator.post(PATH, GOOD | {member: value})

    assert 400 == answer.status_code, answer.content
    assert member in answer.json()["error_description"]
    assert SECRET not in answer.content.decode()


def test_every_problem_is_told_at_once(operator):
    told = operator.post(PATH, {"slug": "?"}).json()["error_description"]

    for member in ("slug", "display_name", "issuer", "client_id"):
        assert member in told


def test_two_of_one_name(operator):
    make()
    other = operator.post(PATH, GOOD | {"slug": "other"}).json()

    assert 409 == operator.post(PATH, GOOD).status_code
    assert 409 == operator.patch(f"{PATH}/{other['id']}", {"slug": "acme"}).status_code


@pytest.mark.parametrize("key", [NOBODY, "nonsense"])
def test_one_that_is_not_there(operator, key):
    for call in (operator.get, operator.delete, lambda path: operator.patch(path, {})):
        assert 404 == call(f"{PATH}/{key}").status_code
    assert 404 == operator.get(f"{PATH}/{key}/identities").status_code
    assert 404 == operator.get(f"{PATH}?slug=nobody").status_code


def test_people_are_linked_and_unlinked(operator):
    row, user = make(), make_user()
    path = f"{PATH}/{row.pk}/identities"
    made = operator.post(path, {"subject": "ann-1", "user_id": str(user.pk)})
    assert 201 == made.status_code, made.content
    assert ("acme", "ann-1", str(user.pk), []) == tuple(
        made.json()[name] for name in ("provider", "subject", "user_id", "groups")
    )
    assert [made.json()] == operator.get(path).json()["identities"]

    again = {"subject": "ann-1", "user_id": str(make_user().pk)}
    assert 409 == operator.post(path, again).status_code
    assert 409 == operator.post(path, again | {"subject": "b", "user_id": str(user.pk)}).status_code
    for bad in ({}, {"subject": "x"}, again | {"more": "x"}, again | {"user_id": NOBODY},
                again | {"subject": ""}, again | {"subject": 7}):  # fmt: skip
        assert 400 == operator.post(path, bad).status_code

    # A subject means something at one issuer only.
    provider = f"{PATH}/{row.pk}"
    moved = operator.patch(provider, {"issuer": "https://other.example.com"})
    assert 400 == moved.status_code
    assert 400 == operator.patch(provider, {"slug": "moved"}).status_code
    assert 409 == operator.delete(provider).status_code
    assert 204 == operator.delete(f"{path}/{made.json()['id']}").status_code
    assert 404 == operator.delete(f"{path}/{made.json()['id']}").status_code
    assert 204 == operator.delete(provider).status_code


def test_the_whole_life_of_one_by_command(tmp_path, monkeypatch):
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    made = said(
        "create", "acme", "--issuer", GOOD["issuer"], "--client-id", "us", "--name", "Acme",
        "--secret-file", str(file), "--allowed-domain", "example.com", "--role", "ops=admin",
        "--scopes", "openid email",
    )  # fmt: skip
    assert (["example.com"], {"ops": "admin"}, ["openid", "email"], True) == (
        made["allowed_domains"], made["role_map"], made["scopes"], made["has_secret"],
    )  # fmt: skip
    assert SECRET == providers.provider_by_slug("acme").secret()
    assert made == said("show", "acme") == said("list")["identity_providers"][0]

    monkeypatch.setenv("CONNECTOR_ACME", "referred")
    changed = said(
        "update", "acme", "--forget-secret", "--secret-ref", "CONNECTOR_ACME",
        "--allowed-domain", "", "--role", "",
    )  # fmt: skip
    assert ([], {}, False) == (
        changed["allowed_domains"], changed["role_map"], changed["has_secret"],
    )  # fmt: skip
    assert "referred" == providers.provider_by_slug("acme").secret()
    assert not said("update", "acme", "--disable")["enabled"]

    user = make_user()
    assert str(user.pk) == said("link", "acme", "ann-1", user.email)["user_id"]
    assert 1 == said("identities", "acme")["total"]
    assert str(user.pk) == said("unlink", "acme", "ann-1")["user_id"]
    assert "acme" == said("delete", "acme")["slug"]
    assert {"identity_providers": [], "total": 0} == said("list")


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "nobody"), ("delete", "nobody"), ("update", "acme"),
        ("update", "acme", "--role", "ops"), ("update", "acme", "--secret-file", "/nowhere"),
        ("update", "acme", "--issuer", "http://x"), ("link", "acme", "a", "nobody@example.com"),
        ("link", "acme", "", "ann@example.com"), ("unlink", "acme", "nobody"),
        ("create", "acme", "--issuer", "https://x.example", "--client-id", "x", "--name", "x"),
    ],
)  # fmt: skip
def test_commands_that_fail(arguments):
    make()
    make_user(email="ann@example.com")
    with nothing_changes(), pytest.raises(CommandError):
        call_command("identity_provider", *arguments)


@pytest.mark.shows("setting", "identity_providers")
def test_seeds_are_planted_once(override_config):
    seed = {name: value for name, value in GOOD.items() if name != "secret"} | {
        "secret_ref": "CONNECTOR_ACME", "role_map": {"ops": "admin"},
    }  # fmt: skip
    override_config(seeds={"identity_providers": (seed,)})
    call_command("load_seeds", verbosity=0)
    IdentityProvider.objects.update(display_name="Changed")
    call_command("load_seeds", verbosity=0)
    row = IdentityProvider.objects.get()

    assert ("acme", "Changed", {"ops": "admin"}) == (row.slug, row.display_name, row.role_map)
    override_config(seeds={"identity_providers": ({"slug": "bad"},)})
    with pytest.raises(CommandError, match=r"identity provider 1 \(bad\).*issuer"):
        call_command("load_seeds", verbosity=0)


@pytest.mark.shows(
    "setting",
    "oidc.enabled", "oidc.issuer", "oidc.client_id", "oidc.client_secret", "oidc.redirect_uri",
    "oidc.display_name", "oidc.scopes", "oidc.connector_id", "oidc.include_groups_scope",
)  # fmt: skip
def test_the_provider_of_the_settings_signs_people_in(oauth, override_config):
    override_config(broker=ALLOWED)
    with running_openid() as world:
        override_config(
            oidc=SETTINGS | {
                "issuer": world.url, "client_id": "our-client", "display_name": "Company",
                "scopes": ("openid", "email"), "connector_id": "ldap",
                "include_groups_scope": False,
                "redirect_uri": "http://localhost:9000/prefix/oidc/callback",
            }
        )  # fmt: skip
        call_command("load_seeds", verbosity=0)
        visitor = Visitor(oauth, world)
        assert "Continue with Company" in visitor.get("/login").text
        sent = visitor.leave("oidc")
        assert ("openid email", "ldap", "http://localhost:9000/prefix/oidc/callback") == (
            sent["scope"], sent["connector_id"], sent["redirect_uri"],
        )  # fmt: skip
        sent["redirect_uri"] = "/oidc/callback"
        assert 303 == visitor.come_back(sent).status_code
        assert world.last("/token")["headers"]["authorization"].startswith("Basic ")

    assert "oidc" == User.objects.get().provider
    assert IdentityProvider.objects.get().secret_sealed is None


@pytest.mark.shows("setting", "oidc.client_secret_ref")
def test_the_settings_are_followed_at_each_start(override_config, operator, monkeypatch):
    override_config(oidc=SETTINGS)
    call_command("load_seeds", verbosity=0)
    row = IdentityProvider.objects.get()
    path = f"{PATH}/{row.pk}"
    for member in ("issuer", "client_id", "secret", "scopes"):
        answer = operator.patch(path, {member: "https://x.example"})
        assert 400 == answer.status_code
        assert "AUTHPLANE_OIDC_" in answer.json()["error_description"]
    assert operator.patch(path, {"allowed_domains": ["example.com"]}).json()["from_settings"]

    monkeypatch.setenv("CONNECTOR_OIDC", "by reference")
    override_config(
        oidc={"client_id": "them", "client_secret": "", "client_secret_ref": "CONNECTOR_OIDC"}
    )
    call_command("load_seeds", verbosity=0)
    followed = providers.provider_by_slug("oidc")
    assert ("them", {"example.com"}, "by reference") == (
        followed.client_id, set(followed.allowed_domains), followed.secret(),
    )  # fmt: skip

    FederatedIdentity.objects.create(provider=row, subject="a", user=make_user())
    override_config(oidc={"issuer": "https://other.example.com"})
    with pytest.raises(CommandError, match="issuer and slug cannot be changed"):
        call_command("load_seeds", verbosity=0)

    override_config(oidc={"enabled": False})
    assert not operator.get(path).json()["enabled"]
    assert not providers.is_enabled(IdentityProvider.objects.get())


@pytest.mark.parametrize(
    ("environment", "problem"),
    [
        ({"ENABLED": "true"}, "are required with"),
        ({"ENABLED": "true", "ISSUER": "https://x", "CLIENT_ID": "x"}, "exactly one of"),
        ({"REDIRECT_URI": "https://x.example/callback"}, "must be an https URL that ends in"),
        ({"REDIRECT_URI": "http://x.example/oidc/callback"}, "must be an https URL"),
        ({"SHOW_LOCAL_LOGIN": "perhaps"}, "must be true or false"),
    ],
)
def test_settings_that_stop_the_start(environment, problem):
    with pytest.raises(ConfigurationError) as refused:
        load({f"AUTHPLANE_OIDC_{name}": value for name, value in environment.items()})

    assert any(problem in one for one in refused.value.problems)


def test_an_older_key_is_named(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("oidc:\n  client_secret_env: X\n")
    with pytest.raises(ConfigurationError, match=r"use oidc\.client_secret_ref"):
        load({"AUTHPLANE_CONFIG": str(file)})


def test_nobody_is_locked_out_by_a_setting(override_config):
    override_config(oidc={"show_local_login": False})
    (found,) = check_somebody_can_sign_in()
    assert "authplane.E021" == found.id
    assert found in run_checks(tags=["database"], databases=["default"])

    row = make()
    assert [] == check_somebody_can_sign_in()
    IdentityProvider.objects.filter(pk=row.pk).update(enabled=False)
    assert 1 == len(check_somebody_can_sign_in())


def test_the_page_without_passwords(oauth, override_config):
    override_config(oidc={"show_local_login": False})
    assert "Nobody can sign in here" in oauth.http.get("/login").text
    make()
    page = oauth.http.get("/login?redirect=/connections%3Fa%3Db").text

    assert 'href="/oidc/start?provider=acme&amp;redirect=%2Fconnections%3Fa%3Db"' in page
    assert "password" not in page
