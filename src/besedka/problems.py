"""Every refusal that we utter: a stable code, a status, a sentence; rendered alike everywhere (RFC 9457)."""

import random
from contextvars import ContextVar, Token
from typing import Any, ClassVar

_request_id: ContextVar[str] = ContextVar("request_id", default="")


def begin_request() -> Token[str]:
    """Give the request that begins here an id of ours; the token is for `end_request`.

    What a client calls its request is not asked: it could forge the id of another one's, or a line of our log.
    An id is no secret, so it need not come from the system's source of them, which takes longer.
    """
    return _request_id.set(f"{random.getrandbits(64):016x}")


def end_request(begun: Token[str]) -> None:
    """Whatever comes now belongs to no request, or to the one around it."""
    _request_id.reset(begun)


def request_id() -> str:
    """The id of the request under way, as refusals, `X-Request-ID` and the log have it; "" outside of any."""
    return _request_id.get()


class Problem(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "problem"
    status: ClassVar[int] = 400

    def __init__(self, detail: str | None = None, **details: Any) -> None:
        """`detail` says what and where in this case; `details` become members of the rendered object."""
        self.detail = detail or self.sentence()
        self.details = details
        super().__init__(self.detail)

    @classmethod
    def sentence(cls) -> str:
        """The first line of the class's docstring: the problem's title."""
        return (cls.__doc__ or cls.__name__).strip().splitlines()[0]

    def headers(self) -> dict[str, str]:
        """Response headers that belong to this problem."""
        after = self.details.get("retry_after")
        return {} if after is None else {"Retry-After": str(after)}

    def as_json(self, request_id: str | None = None) -> dict[str, Any]:
        """The problem details object of RFC 9457, with `code`, our stable word for it, and the request's id."""
        body = {
            "type": f"urn:besedka:problem:{self.code}",
            "title": self.sentence(),
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            **self.details,
        }
        return body if request_id is None else {**body, "request_id": request_id}


class Invalid(Problem):
    """The request is not of the form this address takes."""

    code = "invalid"


class NotFound(Problem):
    """There is nothing here for you."""

    code = "not_found"
    status = 404


class MethodNotAllowed(Problem):
    """This address does not take this method."""

    code = "method_not_allowed"
    status = 405

    def headers(self) -> dict[str, str]:
        """RFC 9110 §15.5.6 asks for the list of methods that are taken."""
        return {"Allow": ", ".join(self.details.get("allowed", ()))}


class ChangedMeanwhile(Problem):
    """This has changed since you read it: read it again, then change it."""

    code = "changed_meanwhile"
    status = 412


class Unavailable(Problem):
    """We cannot keep what you send right now; send it again."""

    code = "unavailable"
    status = 503

    def headers(self) -> dict[str, str]:
        """RFC 9110 §10.2.3."""
        return {"Retry-After": str(self.details.get("retry_after", 2))}


class BodyTooLarge(Problem):
    """The request is larger than anything this address takes."""

    code = "body_too_large"
    status = 413
