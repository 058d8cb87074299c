"""Token exchange into an identity assertion (ID-JAG) for another authorization server."""

from __future__ import annotations

from typing import Any

from audit import events, record
from authplane.core import clock
from authplane.core.metrics import counter
from oauth.engine.request import TokenRequest
from oauth.errors import OAuthError, Reason
from oauth.tokens import ledger
from oauth.xaa.issuing import Assertion, Wanted, answer_of, decide_assertion, sign_assertion


class IdentityAssertion:
    """What `requested_token_type=urn:ietf:params:oauth:token-type:id-jag` asks for."""

    def decide(self, request: TokenRequest) -> None:
        """The user behind the subject token may be asserted to the audience; nothing is spent.

        Raises: OAuthError.
        """
        wanted = Wanted.of(
            request.parameters, audiences=request.audiences, values=request.resources
        )
        try:
            request.source = decide_assertion(
                wanted,
                client=request.client,
                jkt=request.binding.jkt,
                certificate=request.binding.certificate,
                now=clock.now(),
            )
        except OAuthError as refusal:
            counter("authplane_assertions_denied_total").labels(refusal.reason.value).inc()
            raise
        request.authorization = request.source.authorization

    def issue(self, request: TokenRequest, token_handler: Any) -> dict[str, Any]:  # noqa: ARG002
        """One statement: the ledger row and the audit row. The subject token is as it was.

        The row ties the assertion to the family or the token that it came from.

        Raises: OAuthError(SUBJECT_TOKEN_ENDED); then nothing has changed.
        """
        assertion: Assertion = request.source
        decided = assertion.authorization
        minted = sign_assertion(assertion, now=clock.now())
        event = events.AssertionIssued(
            actor_id=decided.subject,
            client_id=decided.client.client_id,
            jti=str(minted.jti),
            audience=decided.resource,
            scopes=decided.scope_text,
            resource=assertion.resource,
            family=str(decided.family_id or ""),
            parent=str(decided.parent or ""),
        )
        issue = ledger.Issue(authorization=decided, access=minted, event=record.prepare(event))
        if not _recorded(issue):
            # The subject token ended between our look at it and this statement.
            raise OAuthError(Reason.SUBJECT_TOKEN_ENDED)
        counter("authplane_assertions_issued_total").inc()
        return answer_of(assertion, token=minted.token)


def _recorded(issue: ledger.Issue) -> bool:
    """The row is written if what the assertion rests on counts at that very moment."""
    if issue.authorization.parent is not None:
        return ledger.record_exchange(issue, consented_at=None)
    return ledger.record_in_family(issue, now=clock.now())
