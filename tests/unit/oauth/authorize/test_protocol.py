import pytest

from oauth.authorize.parameters import read_parameters
from oauth.authorize.protocol import read_wish
from oauth.errors import OAuthError, Reason

CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
GOOD = f"response_type=code&code_challenge={CHALLENGE}&code_challenge_method=S256"


def reason_of(query):
    with pytest.raises(OAuthError) as refusal:
        read_wish(read_parameters(query))
    return refusal.value.reason


def without(name):
    return "&".join(pair for pair in GOOD.split("&") if not pair.startswith(f"{name}="))


def test_a_plain_request_asks_for_nothing_special():
    wish = read_wish(read_parameters(GOOD))

    assert wish.code_challenge == CHALLENGE
    assert (wish.prompts, wish.max_age, wish.login_hint, wish.dpop_jkt) == (
        frozenset(), None, "", "",
    )  # fmt: skip
    assert (wish.requested_resources, wish.requested_scopes) == ((), ())


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (without("response_type"), Reason.RESPONSE_TYPE_MISSING),
        (GOOD.replace("response_type=code", "response_type=token"),
         Reason.RESPONSE_TYPE_UNSUPPORTED),
        (GOOD.replace("response_type=code", "response_type=code+id_token"),
         Reason.RESPONSE_TYPE_UNSUPPORTED),
        (f"{GOOD}&response_mode=fragment", Reason.PARAMETER_MALFORMED),
        (f"{GOOD}&response_mode=form_post", Reason.PARAMETER_MALFORMED),
        (without("code_challenge"), Reason.CHALLENGE_MISSING),
        (without("code_challenge_method"), Reason.CHALLENGE_METHOD),
        (GOOD.replace("S256", "plain"), Reason.CHALLENGE_METHOD),
        (GOOD.replace("S256", "s256"), Reason.CHALLENGE_METHOD),
        (GOOD.replace(CHALLENGE, CHALLENGE[:-1]), Reason.CHALLENGE_MISSING),
        (GOOD.replace(CHALLENGE, f"{CHALLENGE}A"), Reason.CHALLENGE_MISSING),
        (GOOD.replace(CHALLENGE, f"{CHALLENGE[:-1]}%3D"), Reason.CHALLENGE_MISSING),
        (f"{GOOD}&request_uri=urn:x", Reason.REQUEST_URI_UNSUPPORTED),
        (f"{GOOD}&prompt=none+login", Reason.PARAMETER_MALFORMED),
        (f"{GOOD}&prompt=sudo", Reason.PARAMETER_MALFORMED),
        (f"{GOOD}&max_age=-1", Reason.PARAMETER_MALFORMED),
        (f"{GOOD}&max_age=1e3", Reason.PARAMETER_MALFORMED),
        (f"{GOOD}&max_age=%D9%A1", Reason.PARAMETER_MALFORMED),
        (f"{GOOD}&dpop_jkt=short", Reason.PARAMETER_MALFORMED),
        (f"{GOOD}&scope=a%22b", Reason.SCOPE_MALFORMED),
        (f"{GOOD}&scope=gr%C3%BCn", Reason.SCOPE_MALFORMED),
        (f"{GOOD}&scope={'s' * 4097}", Reason.SCOPE_MALFORMED),
        (f"{GOOD}&scope=a++b", Reason.SCOPE_MALFORMED),
        (f"{GOOD}&state=a&state=b", Reason.PARAMETER_DUPLICATED),
        (f"{GOOD}&state=%00", Reason.PARAMETER_MALFORMED),
    ],
)  # fmt: skip
def test_one_defect_one_reason(query, reason):
    assert reason_of(query) == reason


def test_resource_and_audience_are_read_together_and_scopes_once_each():
    wish = read_wish(
        read_parameters(f"{GOOD}&resource=a&audience=b&resource=c&scope=+x+y+x+&prompt=login")
    )

    assert wish.requested_resources == ("a", "c", "b")
    assert wish.requested_scopes == ("x", "y")
    assert wish.prompts == {"login"}


def test_a_scope_of_spaces_names_no_scope():
    assert read_wish(read_parameters(f"{GOOD}&scope=++")).requested_scopes == ()
