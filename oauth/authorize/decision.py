"""What happens next to a valid request: sign in, ask, answer at once, or refuse.

Pure: what is known about the user and the standing consent comes in, the next step goes out.
"""

from enum import Enum, auto

from oauth.authorize.protocol import ASK_WHO, Wish
from oauth.errors import OAuthError, Reason


class Step(Enum):
    """What the browser is sent to next."""

    SIGN_IN = auto()
    CONSENT = auto()
    CODE = auto()


def asks_to_sign_in_again(wish: Wish) -> bool:
    """The client wants the user to prove anew who is there.

    Choosing another account happens on the sign-in page, so it is the same question here.
    """
    return bool(wish.prompts & ASK_WHO)


def next_step(wish: Wish, *, must_sign_in: bool, is_consented: bool, redirect_uri: str) -> Step:
    """The next step, decided in the order in which the user would meet it.

    Remembered consent skips the page for https redirects only. A loopback port or a private-use
    scheme can be taken by any program on the device, and a code sent there without a question
    would hand that program the consent given to another.

    Spec: OpenID Connect Core 1.0 sections 3.1.2.1 and 3.1.2.6 (`prompt`); RFC 8252 section 8.6.
    Raises: OAuthError when the client forbids to ask and there is something to ask.
    """
    silent = "none" in wish.prompts
    if must_sign_in:
        if silent:
            raise OAuthError(Reason.LOGIN_REQUIRED)
        return Step.SIGN_IN
    if is_consented and "consent" not in wish.prompts and redirect_uri.startswith("https://"):
        return Step.CODE
    if silent:
        raise OAuthError(Reason.INTERACTION_REQUIRED if is_consented else Reason.CONSENT_REQUIRED)
    return Step.CONSENT
