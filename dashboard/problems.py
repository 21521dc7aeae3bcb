"""What the API says when it cannot answer: RFC 9457 problem details."""

from dataclasses import dataclass

import msgspec
from aiohttp import web


@dataclass
class Problem(Exception):  # noqa: N818 - it is an answer, not a defect
    """An answer other than success. `parameter` names what was wrong with the request, if it was the request."""

    status: int
    title: str
    detail: str
    parameter: str | None = None
    retry_after: int | None = None


def bad_parameter(name: str, detail: str) -> Problem:
    """Return the problem of a parameter that cannot be used."""
    return Problem(400, "Bad parameter", detail, parameter=name)


def answer(problem: Problem, path: str) -> web.Response:
    """Return the problem as `application/problem+json`."""
    body: dict[str, object] = {
        "type": "about:blank",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "instance": path,
    }
    if problem.parameter:
        body["parameter"] = problem.parameter
    headers = {"Retry-After": str(problem.retry_after)} if problem.retry_after else None
    return web.Response(
        status=problem.status,
        body=msgspec.json.encode(body),
        content_type="application/problem+json",
        headers=headers,
    )
