"""From environment and file to one configuration, or to every problem at once."""

from __future__ import annotations

import dataclasses

import pytest

from authplane.core import reserved
from authplane.core.loading import ConfigurationError, declared, load
from authplane.core.options import take_config_option

PRODUCTION = {
    "AUTHPLANE_SERVER_ISSUER": "https://auth.example.com",
    "AUTHPLANE_SESSION_SECURE": "true",
    "AUTHPLANE_SESSION_SECRET": "kJ8s-session-kJ8s-session-11",
    "AUTHPLANE_CSRF_SECRET": "kJ8s-csrf-kJ8s-csrf-secret-22",
    "AUTHPLANE_INTEGRITY_KEY": "kJ8s-integrity-kJ8s-integrity-33",
    "AUTHPLANE_CLIENT_SECRET_PEPPER": "kJ8s-pepper-kJ8s-pepper-44",
    "AUTHPLANE_DATA_ENCRYPTION_KEY": "0123456789abcdef" * 4,
    "AUTHPLANE_ADMIN_API_KEY": "kJ8s-admin-kJ8s-admin-55",
}


def problems_of(environment):
    with pytest.raises(ConfigurationError) as caught:
        load(environment)
    return caught.value.problems


def test_nothing_set_is_a_working_localhost_configuration():
    config = load({})

    assert config.server.issuer == "http://localhost:9000"
    assert config.tokens.access_ttl == 900
    assert config.oauth.require_scope is False


def test_a_complete_production_configuration_loads():
    assert load(PRODUCTION).secrets.pepper == "kJ8s-pepper-kJ8s-pepper-44"


def test_every_problem_is_reported_at_once_in_a_numbered_list():
    with pytest.raises(ConfigurationError) as caught:
        load(
            {
                "AUTHPLANE_DCR_MODE": "anyone",
                "AUTHPLANE_SESSION_MAX_AGE": "soon",
                "AUTHPLANE_ADMIN_ADDRESS": ":9000",
            }
        )

    assert len(caught.value.problems) == 3
    assert "  1. " in str(caught.value)
    assert "  3. " in str(caught.value)


@pytest.mark.parametrize("missing", sorted(PRODUCTION.keys() - {"AUTHPLANE_SERVER_ISSUER"}))
def test_outside_localhost_each_secret_is_required(missing):
    environment = {name: value for name, value in PRODUCTION.items() if name != missing}

    assert any(missing in problem for problem in problems_of(environment))


@pytest.mark.parametrize(
    "issuer",
    ["http://localhost:9000", "http://127.0.0.1:1", "https://localhost", "http://[::1]:9000/x"],
)
def test_on_localhost_secrets_may_be_missing(issuer):
    assert load({"AUTHPLANE_SERVER_ISSUER": issuer}).secrets.session == ""


@pytest.mark.parametrize(
    "issuer", ["https://localhost.evil.example", "https://127.0.0.1.example", "https://localhosts"]
)
def test_hosts_that_begin_like_localhost_are_not_localhost(issuer):
    assert any(
        "required" in problem for problem in problems_of({"AUTHPLANE_SERVER_ISSUER": issuer})
    )


@pytest.mark.parametrize("weak", ["changeme", " Secret ", "PASSWORD", "dev-secret-change-me"])
@pytest.mark.parametrize("variable", ["AUTHPLANE_SESSION_SECRET", "AUTHPLANE_ADMIN_API_KEY"])
def test_well_known_secrets_are_refused_even_on_localhost(variable, weak):
    assert any(
        variable in problem and "weak" in problem for problem in problems_of({variable: weak})
    )


@pytest.mark.parametrize("short", ["fifteen-letters", "aaaaaaaaaaaaaaaaaaaaaaaa"])
def test_short_and_monotonous_secrets_are_refused_in_production(short):
    environment = PRODUCTION | {"AUTHPLANE_SESSION_SECRET": short}

    assert any("AUTHPLANE_SESSION_SECRET" in problem for problem in problems_of(environment))


def test_two_purposes_must_not_share_a_secret():
    environment = PRODUCTION | {"AUTHPLANE_INTEGRITY_KEY": PRODUCTION["AUTHPLANE_SESSION_SECRET"]}

    assert any("same value" in problem for problem in problems_of(environment))


def test_an_old_secret_equal_to_the_present_one_is_refused():
    environment = PRODUCTION | {
        "AUTHPLANE_SESSION_SECRET_OLD": PRODUCTION["AUTHPLANE_SESSION_SECRET"],
        "AUTHPLANE_DATA_ENCRYPTION_KEY_OLD": PRODUCTION["AUTHPLANE_DATA_ENCRYPTION_KEY"].upper(),
    }

    assert len([p for p in problems_of(environment) if "_OLD" in p]) == 2


@pytest.mark.parametrize("key", ["ab" * 31, "zz" * 32, "ab" * 33])
def test_a_data_key_is_32_bytes_in_hexadecimal(key):
    assert any("64 hex" in p for p in problems_of({"AUTHPLANE_DATA_ENCRYPTION_KEY": key}))


def test_secrets_can_be_read_from_files(tmp_path):
    file = tmp_path / "pepper"
    file.write_text("pepper-from-a-file\n")

    config = load({"AUTHPLANE_CLIENT_SECRET_PEPPER_FILE": str(file)})

    assert config.secrets.pepper == "pepper-from-a-file"


def test_the_data_key_may_stand_in_a_variable_of_another_name():
    environment = {"AUTHPLANE_DATA_ENCRYPTION_KEY_ENV": "MY_KEY", "MY_KEY": "cd" * 32}

    assert load(environment).secrets.data == "cd" * 32
    del environment["MY_KEY"]
    assert any("MY_KEY" in problem for problem in problems_of(environment))


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("AUTHPLANE_SERVER_ISUER", "AUTHPLANE_SERVER_ISSUER"),
        ("AUTHPLANE_DCR_MODUS", "AUTHPLANE_DCR_MODE"),
    ],
)
def test_an_unknown_variable_stops_the_start_with_a_hint(misspelt, meant):
    assert problems_of({misspelt: "x"}) == [f"{misspelt}: no such setting; did you mean {meant}?"]


@pytest.mark.parametrize("prefix", sorted(reserved.ABSENT_FEATURES))
def test_a_variable_of_a_feature_that_is_not_there_stops_the_start(prefix):
    name = prefix if not prefix.endswith("_") else f"{prefix}ANYTHING"

    (problem,) = problems_of({name: "1"})

    assert reserved.ABSENT_FEATURES[prefix] in problem


def test_saying_that_an_absent_feature_is_off_is_accepted():
    load({"AUTHPLANE_TRACING_ENABLED": "false"})

    (problem,) = problems_of({"AUTHPLANE_TRACING_ENABLED": "true"})
    assert "AUTHPLANE_TRACING_ENABLED" in problem


@pytest.mark.parametrize("name", sorted(reserved.FIXED))
def test_a_fixed_variable_is_accepted_only_with_its_one_value(name):
    accepts, _ = reserved.FIXED[name]
    agreeing = next(v for v in ("true", "aes_master", "prometheus", "/metrics") if accepts(v))

    load({name: agreeing})
    if not accepts("something else"):
        assert len(problems_of({name: "something else"})) == 1


def test_variables_of_others_are_left_alone():
    load({"PATH": "/bin", "DATABASE_NAME": "x", "AUTHPLANE_TEST_PLAIN": "1"})


def test_environment_wins_over_file_and_file_over_default(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("dcr:\n  mode: admin_only\n  rate_limit: 7\n")

    config = load({"AUTHPLANE_CONFIG": str(file), "AUTHPLANE_DCR_RATE_LIMIT": "3"})

    assert (config.dcr.mode, config.dcr.rate_limit, config.dcr.rate_limit_burst) == (
        "admin_only", 3, 20,
    )  # fmt: skip


def test_unknown_removed_and_absent_keys_of_the_file_are_refused(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text(
        "server:\n  isuer: https://x\nresource_servers: []\ntracing:\n  enabled: true\n"
        "token_exchange:\n  enabled: false\n"
    )

    problems = problems_of({"AUTHPLANE_CONFIG": str(file)})

    assert problems == [
        "server.isuer: no such setting; did you mean server.issuer?",
        "resource_servers: this key was removed; use resources",
        "tracing.enabled: this build does not have tracing; remove the key",
    ]


@pytest.mark.parametrize("content", ["- a\n", "a: [", "\t"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path, content):
    file = tmp_path / "config.yaml"
    file.write_text(content)

    assert any("AUTHPLANE_CONFIG" in p for p in problems_of({"AUTHPLANE_CONFIG": str(file)}))


def test_a_named_file_that_does_not_exist_is_refused():
    assert problems_of({"AUTHPLANE_CONFIG": "/nowhere.yaml"}) == [
        "AUTHPLANE_CONFIG: /nowhere.yaml cannot be read: FileNotFoundError"
    ]


def test_a_placeholder_that_nothing_replaced_is_refused(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("server:\n  issuer: https://${HOST}\n")

    assert any("${" in problem for problem in problems_of({"AUTHPLANE_CONFIG": str(file)}))
    load({"AUTHPLANE_CONFIG": str(file), "AUTHPLANE_SERVER_ISSUER": "http://localhost:1"})


def test_no_secret_value_appears_in_problems_or_representations():
    environment = PRODUCTION | {"AUTHPLANE_SESSION_SECRET": "tooshort-XYZZY"}

    assert "XYZZY" not in " ".join(problems_of(environment))
    assert "kJ8s" not in repr(load(PRODUCTION))


def test_an_older_name_of_the_key_store_is_understood():
    assert load({"AUTHPLANE_SIGNING_KEY_STORE": "postgres_key"}).signing.key_store == "database"


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"AUTHPLANE_SERVER_ISSUER": "http://auth.example.com"}, "https"),
        ({"AUTHPLANE_SERVER_ISSUER": "http://localhost:9000/"}, "slash"),
        ({"AUTHPLANE_SERVER_ISSUER": "http://localhost:9000?x=1"}, "query"),
        ({"AUTHPLANE_SERVER_ISSUER": "http://user@localhost"}, "AUTHPLANE_SERVER_ISSUER"),
        ({"AUTHPLANE_SERVER_ISSUER": "http://localhost:99999"}, "not a URL"),
        ({"AUTHPLANE_SERVER_ISSUER": "ftp://localhost"}, "http or https"),
        ({"AUTHPLANE_SERVER_ISSUER": "http://LOCALHOST:1"}, "lower case"),
        ({"AUTHPLANE_SESSION_SAME_SITE": "none"}, "SAME_SITE"),
        ({"AUTHPLANE_SESSION_COOKIE_NAME": "a b"}, "COOKIE_NAME"),
        ({"AUTHPLANE_SERVER_ADDRESS": "9000"}, "SERVER_ADDRESS"),
        ({"AUTHPLANE_LISTENER": "operator", "AUTHPLANE_ADMIN_ENABLED": "no"}, "LISTENER"),
        ({"AUTHPLANE_SERVER_ALLOWED_ORIGINS": "example.com"}, "ALLOWED_ORIGINS"),
        ({"DATABASE_URL": "mysql://x"}, "DATABASE_URL"),
        ({"REDIS_URL": "http://x"}, "REDIS_URL"),
        ({"AUTHPLANE_STORAGE_DRIVER": "postgres"}, "POSTGRES_DSN"),
        ({"AUTHPLANE_STORAGE_POSTGRES_DSN": "x"}, "POSTGRES_DSN"),
        ({"AUTHPLANE_STORAGE_POSTGRES_MIN_CONNS": "2"}, "MIN_CONNS"),
        (
            {
                "AUTHPLANE_STORAGE_POSTGRES_MIN_CONNS": "9",
                "AUTHPLANE_STORAGE_POSTGRES_MAX_CONNS": "3",
            },
            "MIN_CONNS",
        ),
        ({"AUTHPLANE_DCR_MODE": "approved_redirects"}, "APPROVED_REDIRECTS"),
        ({"AUTHPLANE_DCR_PRIVATE_SCHEMES": "javascript"}, "PRIVATE_SCHEMES"),
        ({"AUTHPLANE_CIMD_CACHE_TTL": "1m"}, "CACHE_MIN"),
        ({"AUTHPLANE_SIGNING_RETIRE_AFTER": "10m"}, "RETIRE_AFTER"),
        ({"AUTHPLANE_TOKENS_FAMILY_EXPIRY": "1h"}, "FAMILY_EXPIRY"),
        ({"AUTHPLANE_RATE_LIMIT_AUTH_LOCKOUT": "0"}, "AUTH_LOCKOUT"),
        ({"AUTHPLANE_SIGNING_ROTATION_INTERVAL": "1m"}, "ROTATION_INTERVAL"),
        ({"AUTHPLANE_RATE_LIMIT_MAX_TRACKED_IDENTITIES": "9999"}, "MAX_TRACKED"),
        ({"AUTHPLANE_RATE_LIMIT_RPS": "0"}, "AUTHPLANE_RATE_LIMIT_RPS"),
        ({"METRICS_PASSWORD": "changeme"}, "METRICS_PASSWORD"),
        (PRODUCTION | {"AUTHPLANE_CIMD_REQUIRE_HTTPS": "false"}, "REQUIRE_HTTPS"),
        (PRODUCTION | {"AUTHPLANE_CIMD_ALLOW_PRIVATE_ADDRESSES": "true"}, "ALLOW_PRIVATE"),
        (PRODUCTION | {"AUTHPLANE_SESSION_SECURE": "false"}, "SESSION_SECURE"),
    ],
)  # fmt: skip
def test_each_broken_rule_stops_the_start(environment, named):
    assert any(named in problem for problem in problems_of(environment))


def test_lockout_off_needs_no_window():
    load({"AUTHPLANE_RATE_LIMIT_AUTH_FAIL_MAX": "0", "AUTHPLANE_RATE_LIMIT_AUTH_LOCKOUT": "0"})


def test_every_setting_accepts_its_own_default_and_has_a_unique_name():
    names, keys = set(), set()
    for _, member, known in declared():
        if member.default not in ("", ()):
            value = list(member.default) if isinstance(member.default, tuple) else member.default
            assert known.accept(value) == member.default
        assert known.key not in keys
        assert not known.variable or known.variable not in names
        assert known.doc.endswith(".")
        keys.add(known.key)
        names.add(known.variable)


def test_areas_cannot_be_changed_in_place():
    config = load({})

    with pytest.raises(dataclasses.FrozenInstanceError):
        config.tokens.access_ttl = 1


def test_the_config_option_is_taken_out_of_the_command_line():
    environment = {}

    left = take_config_option(
        ["manage.py", "--config", "a.yaml", "migrate"], environment=environment
    )

    assert (left, environment) == (["manage.py", "migrate"], {"AUTHPLANE_CONFIG": "a.yaml"})
    assert take_config_option(["m", "--config=b"], environment=environment) == ["m"]
    assert environment == {"AUTHPLANE_CONFIG": "b"}
    with pytest.raises(SystemExit):
        take_config_option(["m", "--config"], environment=environment)


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("TRUSTED_PROXIES", "proxy.example.com", "addresses or networks"),
        ("TRUSTED_PROXIES", "10.0.0.1/8", "addresses or networks"),
        ("TRUSTED_PROXIES", "0.0.0.0/0", "every address"),
        ("TRUSTED_PROXIES", "10.0.0.1,::/0", "every address"),
        ("HEADER", "X SSL", "name of a header"),
        ("VERIFY_HEADER", "", "name of a header"),
        ("VERIFY_HEADER", "x-ssl-client-cert", "differ"),
        ("FORMAT", "pem", "escaped_pem, rfc9440"),
        ("ENDPOINT_BASE", "http://mtls.example.com", "https URL"),
        ("ENDPOINT_BASE", "https://", "https URL"),
    ],
)
def test_who_speaks_about_certificates_is_unambiguous(name, value, problem):
    variable = f"AUTHPLANE_TLS_CLIENT_AUTH_{name}"
    if not value:
        assert load({variable: value}).certificates.verify_header == "X-SSL-Client-Verify"
        return

    assert any(variable in p and problem in p for p in problems_of({variable: value}))


def test_variables_of_upstream_secrets_are_no_misspelt_settings():
    upstream = {"AUTHPLANE_VAULT_GITHUB": "x", "AUTHPLANE_VAULT_GITHUB_FILE": "/x"}

    assert load(PRODUCTION | upstream)
    assert any("AUTHPLANE_VAULT_TOKEN" in p for p in problems_of({"AUTHPLANE_VAULT_TOKEN": "x"}))
