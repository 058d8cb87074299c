"""`manage.py authplane`: every operation of the operator API, with its rules and its answers."""

from __future__ import annotations

import getpass
import io
import json
import subprocess
import sys

import pytest
from django.core.management import call_command

from admin_api.commands import catalogue, completion, members, options, running, showing
from admin_api.commands.catalogue import commands
from admin_api.commands.main import main
from admin_api.operations import routed
from audit.models import AuditEvent
from authplane.accounts.models import User
from authplane.core.management.actor import command_actor
from oauth.models import Client, Resource

NO_BODY = {
    ("clients", "suspend"), ("clients", "reactivate"), ("clients", "revoke"), ("users", "disable"),
    ("users", "enable"), ("proxy-sessions", "cleanup"), ("api-keys", "revoke"),
    ("admin-keys", "revoke"), ("auth", "verify"), ("idps", "refresh-keys"),
    ("workload-issuers", "refresh-keys"),
}  # fmt: skip
PASSWORD = "correct horse battery staple 42"


class Terminal(io.StringIO):
    """Standard input with a person behind it."""

    def isatty(self):
        return True


@pytest.fixture
def typed(monkeypatch):
    """What is on standard input: by default nothing, and nobody."""

    def put(text, *, person=False):
        monkeypatch.setattr(sys, "stdin", Terminal(text) if person else io.StringIO(text))

    put("")
    return put


@pytest.fixture
def run(db, capsys, typed):
    """Exit status, standard output, standard error of a command line."""

    def call(*words):
        status = main(words)
        return status, *capsys.readouterr()

    return call


@pytest.fixture
def made(run):
    """The document of a command line that must do what it says."""

    def call(*words):
        status, out, err = run(*words, "--json")
        assert status == 0, out + err
        return json.loads(out)

    return call


ALL = [(noun, verb) for noun, verbs in commands().items() for verb in verbs]


class TestEveryOperation:
    def test_has_a_command(self):
        reached = {
            (one.view, one.action) for verbs in commands().values() for one in verbs.values()
        }

        assert {(view, action) for _, _, view, action in routed()} == reached

    def test_has_a_name_of_its_own(self):
        doubled = [verb for _, verb in ALL if verb.endswith(("-get", "-post", "-patch", "-put"))]

        assert not doubled, "two operations have one name: name one in catalogue.NOUNS"

    def test_nouns_do_not_hide_each_other(self):
        singulars = [catalogue.singular(noun) for noun in commands()]

        assert len(set(singulars)) == len(singulars)
        assert not set(singulars) & {"doctor", "completion", "help"}

    def test_has_help_that_says_what_it_does(self, capsys):
        for noun, verb in ALL:
            assert main([noun, verb, "--help"]) == 0

            told = " ".join(capsys.readouterr().out.split())
            assert commands()[noun][verb].operation.summary[:30] in told, (noun, verb)

    def test_that_writes_says_what_it_reads(self):
        silent = {
            (noun, verb) for noun, verb in ALL
            if commands()[noun][verb].method not in {"GET", "DELETE"}
            and not members.members(commands()[noun][verb])
        }  # fmt: skip

        assert silent == NO_BODY, "name the members in members.BODIES, or give it a serializer"

    def test_the_tables_name_what_exists(self):
        known = {(view.__name__, action) for _, _, view, action in routed()}

        assert set(members.BODIES) <= known
        assert {*ALL} >= NO_BODY


LISTED = ("/admin/users", "/admin/clients", "/admin/resources", "/admin/fronting", "/admin/idps",
          "/admin/xaa/policies", "/admin/xaa/subject-mappings", "/admin/workload-issuers",
          "/admin/assertion-audiences", "/admin/broker-providers", "/admin/connections",
          "/admin/grants/broker", "/admin/api-keys", "/admin/access-groups",
          "/admin/identity-providers", "/admin/oauth-proxies", "/admin/proxy-sessions",
          "/admin/mcp-servers", "/admin/admin-keys", "/admin/staff")  # fmt: skip


@pytest.fixture
def populated(made, typed):
    """One of most things, all made by commands: what each of them may be asked for."""
    typed(PASSWORD)
    user = made("user", "create", "--email", "ann@example.com", "--password-file", "-")
    client = made("client", "create", "--client-name", "Shop", "--redirect-uri",
                  "https://shop.example/cb")  # fmt: skip
    for slug in ("files", "notes"):
        made(
            "resource", "create", "--slug", slug, "--uri", f"https://{slug}.example/mcp",
            "--backend-kind", "mint", "--display-name", slug, "--scope", "read||Read it",
        )  # fmt: skip
    idp = made("idp", "create", "--name", "Okta", "--issuer", "https://okta.example",
               "--jwks-uri", "https://okta.example/jwks")  # fmt: skip
    policy = made("xaa-policy", "create", "--idp-id", idp["id"], "--name", "Chat",
                  "--scope", "read", "--resources", "[]")  # fmt: skip
    made("subject-mapping", "create", "--idp-id", idp["id"], "--idp-subject", "00u1",
         "--local-user-id", user["id"])  # fmt: skip
    made("fronting", "create", "--source", "files", "--target", "notes", "--scope-map",
         '{"read": ["read"]}')  # fmt: skip
    group = made("access-group", "create", "--name", "builders")
    return {"users": user["id"], "clients": client["client_id"], "idps": idp["id"],
            "xaa-policies": policy["id"], "access-groups": group["id"]}  # fmt: skip


class TestAnswers:
    def test_lists_are_what_the_operator_api_answers(self, populated, operator, run):
        by_path = {one.path: one for verbs in commands().values() for one in verbs.values()
                   if one.verb == "list"}  # fmt: skip
        for path in LISTED:
            command = by_path[path]
            status, out, _ = run(command.noun, "list", "--json")

            assert status == 0
            assert out == operator.get(path).content.decode() + "\n", path

    def test_single_ones_too(self, populated, operator, run):
        for noun, key in populated.items():
            command = commands()[noun]["show"]
            url = command.url(dict.fromkeys(command.parameters, key))

            assert run(noun, "get", key, "--json")[1] == operator.get(url).content.decode() + "\n"

    def test_refusals_too(self, operator, run):
        body = {"client_name": "x", "redirect_uris": ["ftp://x"]}
        status, out, _ = run("clients", "create", "--client-name", "x", "--redirect-uri", "ftp://x",
                             "--json")  # fmt: skip

        assert status == 2
        assert json.loads(out) == operator.post("/admin/clients", body).json()

    def test_the_record_says_who_it_was(self, made):
        made("resources", "create", "--slug", "files", "--uri", "https://files.example/mcp",
             "--backend-kind", "mint", "--display-name", "Files")  # fmt: skip

        row = AuditEvent.objects.get(action="resource.created")
        assert row.actor_id == f"cli:{getpass.getuser()}" == command_actor()

    def test_files_come_out_as_they_are(self, made, operator, run):
        made("access-groups", "create", "--name", "Bücher")
        status, out, _ = run("audit", "export")

        answer = operator.get("/admin/audit/export")
        assert status == 0
        # Exporting is recorded itself, so that the second one is longer.
        assert b"".join(answer.streaming_content).decode().startswith(out)
        assert '"access_group.created"' in out

    def test_every_page_is_one_list(self, made, run, monkeypatch):
        monkeypatch.setattr(running, "PAGE", 1)
        for name in ("a", "b", "c"):
            made("access-groups", "create", "--name", name)

        page, whole = made("access-groups", "list", "--limit", "1"), made("access-groups", "list",
                                                                           "--all")  # fmt: skip
        assert len(page["access_groups"]) == 1
        assert [one["name"] for one in whole["access_groups"]] == ["c", "b", "a"]
        assert whole["next_cursor"] is None
        assert "1 of 3 access groups; the others: --all" in run("access-groups", "list", "--limit",
                                                               "1")[2]  # fmt: skip

    def test_a_command_called_from_inside_ends_like_one_from_outside(self, db, capsys):
        call_command("authplane", "clients", "list", "--json")

        assert json.loads(capsys.readouterr().out)["clients"] == []
        with pytest.raises(SystemExit) as ended:
            call_command("authplane", "clients", "show", "nobody")
        assert ended.value.code == 1


class TestBodies:
    def test_every_kind_of_member(self, made):
        made(
            "resources", "create", "--slug", "files", "--uri", "https://files.example/mcp",
            "--backend-kind", "mint", "--display-name", "Files",
            "--scope", "read||Read it", "--scope", '{"name": "write", "default": true}',
        )  # fmt: skip
        rules = made("policy-rules", "change", "files", "--dpop", "required", "--token-lifetime",
                     "60", "--grant-type", "authorization_code")  # fmt: skip
        without = made("policy-rules", "change", "files", "--null", "dpop")

        assert Resource.objects.get(slug="files").scopes[0]["description"] == "Read it"
        assert (rules["dpop"], rules["token_lifetime"]) == ("required", 60)
        assert without["dpop"] is None
        assert without["token_lifetime"] == 60

    def test_a_file_with_options_on_top(self, made, tmp_path):
        file = tmp_path / "body.json"
        file.write_text('{"name": "builders", "enabled": true}')

        group = made("access-groups", "create", "--body", str(file), "--no-enabled")

        assert (group["name"], group["enabled"]) == ("builders", False)

    def test_query_parameters(self, made, run):
        client = made("clients", "create", "--client-name", "Shop", "--redirect-uri",
                      "https://shop.example/cb")  # fmt: skip

        assert made("clients", "list", "--status", "suspended")["total"] == 0
        assert run("clients", "remove", client["client_id"], "--force", "--yes")[0] == 0
        assert not Client.objects.filter(client_id=client["client_id"]).exists()

    def test_only_while_nobody_else_changed_it(self, made, run):
        client = made("clients", "create", "--client-name", "Shop", "--redirect-uri",
                      "https://shop.example/cb")["client_id"]  # fmt: skip
        version = run("clients", "show", client)[2].split()[1]
        change = ("clients", "change", client, "--if-version", version, "--client-name")

        assert run(*change, "Market")[0] == 0
        status, _, err = run(*change, "Mall")
        assert (status, "Look at it again" in err) == (1, True)
        assert Client.objects.get(client_id=client).name == "Market"
        # Where nobody compares versions the option does not exist.
        assert run("dcr", "change", "--mode", "open", "--if-version", "1")[0] == 2

    def test_a_rehearsal_stores_nothing_and_says_so(self, populated, made, run):
        status, _, err = run("fronting", "change", "files", "notes", "--scope-map",
                               '{"read": []}', "--dry-run")  # fmt: skip

        assert (status, "nothing was stored" in err) in {(0, True), (2, False)}
        assert made("fronting", "show", "files", "notes")["scope_map"] == {"read": ["read"]}

    @pytest.mark.parametrize(
        "words",
        [
            ("access-groups", "create", "--body", "/nowhere"),
            ("fronting", "create", "--scope-map", "{"),
            ("policy-rules", "change", "files", "--token-lifetime", "soon"),
            ("clients", "list", "--colour", "red"),
            ("clients", "show"),
        ],
    )
    def test_what_cannot_be_run_is_said_and_nothing_done(self, run, words):
        status, out, err = run(*words)

        assert (status, out) == (2, "")
        assert err.count("\n") == 1


class TestSecrets:
    def test_never_on_the_command_line(self, run):
        status, _, err = run("users", "create", "--email", "a@example.com", "--password", PASSWORD)

        assert status == 2
        assert "--password-file" in err
        assert PASSWORD not in err
        assert not User.objects.exists()

    def test_nor_abbreviated_into_the_file_of_one(self, run):
        assert run("users", "create", "--email", "a@example.com", "--pass", PASSWORD)[0] == 2

    def test_without_anybody_to_type_one(self, run):
        status, _, err = run("users", "create", "--email", "a@example.com")

        assert (status, "--password-file" in err) == (2, True)

    @pytest.mark.parametrize(("second", "status"), [(PASSWORD, 0), ("another", 2)])
    def test_typed_twice(self, run, typed, monkeypatch, second, status):
        typed("", person=True)
        answers = iter([PASSWORD, second])
        monkeypatch.setattr(getpass, "getpass", lambda _: next(answers))

        assert run("users", "create", "--email", "a@example.com")[0] == status
        assert User.objects.count() == (status == 0)

    def test_what_is_shown_once_says_so(self, run):
        _, out, err = run("clients", "create", "--client-name", "Robot", "--grant-type",
                          "client_credentials", "--token-endpoint-auth-method",
                          "client_secret_basic")  # fmt: skip

        assert "client_secret " in out
        assert "shown this once" in err


class TestAsking:
    @pytest.fixture
    def client(self, made):
        return made("clients", "create", "--client-name", "Shop", "--redirect-uri",
                    "https://shop.example/cb")["client_id"]  # fmt: skip

    def test_without_a_person_yes_must_be_said(self, run, client):
        status, _, err = run("clients", "remove", client)

        assert (status, "--yes" in err) == (2, True)
        assert Client.objects.filter(client_id=client).exists()

    @pytest.mark.parametrize(("word", "is_left"), [("yes", False), ("y", True), ("", True)])
    def test_a_person_is_told_what_it_reaches(self, run, typed, client, word, is_left):
        typed(f"{word}\n", person=True)
        status, _, err = run("clients", "remove", client)

        assert f"remove client {client} (Shop): its tokens" in err
        assert status == int(is_left)
        assert Client.objects.filter(client_id=client).exists() == is_left

    def test_reading_and_rehearsing_never_ask(self, run):
        assert run("clients", "list")[0] == 0


class TestWords:
    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (("clint", "list"), "did you mean clients"),
            (("clients", "lst"), "did you mean list"),
            (("zzzz",), "zzzz is no noun (see: authplane --help)"),
            (("\x1b[31mclients",), "\\u001b[31mclients is no noun"),
        ],
    )
    def test_what_was_meant(self, run, words, told):
        status, out, err = run(*words)

        assert (status, out) == (2, "")
        assert told in err

    def test_help_at_every_level(self, run):
        assert "clients" in run()[1]
        assert "doctor" in run("--help")[1]
        assert "rotate-secret CLIENT_ID" in run("clients", "--help")[1]
        assert run("clients")[0] == 2

    @pytest.mark.parametrize("words", [("client", "list"), ("xaa_policies", "ls"), ("idp", "list")])
    def test_other_words_for_the_same(self, run, words):
        assert run(*words)[0] == 0

    def test_refusals_are_sentences_that_say_what_to_do(self, run):
        status, out, err = run("clients", "show", "nobody")

        assert (status, out) == (1, "")
        assert err == "Client not found.\nSee what there is: authplane clients list\n"


class TestTables:
    def test_nothing_in_a_value_moves_the_cursor(self):
        assert showing.plain("a\x1b[2Jb\u202ec\n") == "a\\u001b[2Jb\\u202ec\\u000a"

    def test_ids_are_whole_and_long_texts_are_cut(self, monkeypatch):
        monkeypatch.setenv("COLUMNS", "200")
        rows = [{"id": "i" * 60, "name": "n" * 60, "created_at": "2026"}]
        head, line = showing.table(rows, columns=("id", "created_at", "note"))

        assert head.split() == ["ID", "CREATED_AT", "NOTE"]
        assert line.split() == ["i" * 60, "2026", "-"]
        assert "n" * 47 + "…" in list(showing.table(rows))[1]
        assert "n" * 60 in list(showing.table(rows, columns=("name",)))[1]

    def test_columns_fit_the_terminal(self, monkeypatch):
        monkeypatch.setenv("COLUMNS", "40")
        rows = [{"id": "1" * 20, "name": "shop", "description": "d" * 40, "created_at": "2026"}]

        assert next(showing.table(rows)).split() == ["ID", "NAME", "CREATED_AT"]

    def test_objects_of_one_kind_are_a_table(self):
        told = list(showing.single({"actions": [{"a": "1", "b": []}, {"a": "2", "b": ["x", "y"]}]}))

        assert told == ["actions", "  A  B", "  1  -", "  2  x, y"]

    def test_objects_are_indented(self):
        told = list(showing.single({"id": "1", "policy": {"runtime": {"ids": []}}, "on": True}))

        assert told == ["id      1", "policy", "  runtime", "    ids  -", "on      yes"]


class TestCompletion:
    @pytest.mark.parametrize("shell", completion.SHELLS)
    def test_names_every_noun_and_verb(self, shell, run):
        status, script, _ = run("completion", shell)

        assert status == 0
        for noun, verb in ALL:
            assert f'"{noun} {verb}") ' in script

    def test_in_bash(self, db):
        probe = (
            completion.script("bash")
            + 'ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _authplane; '
            + 'echo "${COMPREPLY[*]}"; }\n'
            + "ask manage.py authplane clie; ask authplane clients sus; "
            + "ask ./manage.py authplane clients remove --for; ask manage.py mig"
        )
        told = subprocess.run(
            ["bash", "-c", probe], check=True, capture_output=True, text=True
        ).stdout.split("\n")

        assert told[:4] == ["clients", "suspend", "--force", ""]

    def test_of_another_shell_there_is_none(self, run):
        assert run("completion", "fish")[0] == 2


def test_options_are_never_taken_from_a_part_of_their_name():
    command = commands()["clients"]["remove"]

    with pytest.raises(options.Unusable):
        options.read(command, ["x", "--ye"])
