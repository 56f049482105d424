"""Errors in AutoGPT's shapes: `{message, detail, hint}` for what a handler refuses, `{detail}` for who may not come in."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from millstream.api.http.answers import JsonAnswer
from millstream.api.http.problems import RETRY_AFTER_S, reason_of, status_of
from millstream.api.http.requests import EdgeRoute, Handler
from millstream.schemas.errors import AuthenticationError, MillstreamError

HINT = "The request was understood; change what `detail` names and send it again."
HINT_INVALID = "Each part of `detail` names a place in the request and what is wrong there."


class Refusal(BaseModel):
    """What a handler refuses, and why."""

    message: str
    detail: Any
    hint: str


class Refused(BaseModel):
    """Who may not come in, or a run that cannot be started."""

    detail: Any


REFUSALS: dict[int | str, dict[str, Any]] = {
    **{
        code: {"model": Refusal, "description": "Refused; `detail` says why."}
        for code in (400, 403, 404, 409, 422)
    },
    401: {"model": Refused, "description": "Nobody is logged in."},
}
"""`responses` of the routes of AutoGPT."""


class CompatRoute(EdgeRoute):
    """A route whose errors are AutoGPT's. Bugs and servers that are away are answered as everywhere."""

    def get_route_handler(self) -> Handler:
        """Wrap the edge's handler."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                return _invalid(error)
            except HTTPException as error:
                return JsonAnswer(
                    {"detail": error.detail}, error.status_code, headers=dict(error.headers or {})
                )
            except MillstreamError as error:
                status = status_of(type(error))
                if status == 500:
                    raise
                return _refused(error, status)

        return answer


def _invalid(error: RequestValidationError) -> Response:
    """Values are left out: one may be a secret in the wrong place."""
    found = [
        {"type": each["type"], "loc": list(each["loc"]), "msg": reason_of(each)} for each in error.errors()
    ]
    return JsonAnswer({"message": "Invalid data", "detail": found, "hint": HINT_INVALID}, 422)


def _refused(error: MillstreamError, status: int) -> Response:
    if isinstance(error, AuthenticationError):
        headers = {"WWW-Authenticate": 'Bearer realm="millstream"'}
        return JsonAnswer({"detail": str(error)}, status, headers=headers)
    headers = {}
    if status in (429, 503):
        headers["Retry-After"] = str(error.facts.get("retry_after_s", RETRY_AFTER_S))
    message = (type(error).__doc__ or error.code).partition("\n")[0]
    return JsonAnswer({"message": message, "detail": str(error), "hint": HINT}, status, headers=headers)
