"""Answers that say no, and what all of them have in common."""

from collections.abc import Sequence
from typing import Any

import httpx2


def problem(response: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    """Return the problem document of an answer, once it is known to be this one."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["code"] == code
    assert body["status"] == status
    assert body["type"].endswith(f"/errors/{code}")
    assert body["request_id"] == response.headers["x-request-id"]
    return body


def fields(response: httpx2.Response) -> list[str]:
    """Return the fields that a request was refused for."""
    errors = problem(response, 422, "validation_failed")["errors"]
    return [error["field"] for error in errors]


def reason(response: httpx2.Response) -> str:
    """Return why the session of a request has ended."""
    return str(problem(response, 401, "session_ended")["reason"])


def only_good(answers: Sequence[httpx2.Response], status: int) -> int:
    """Return which of many who came with one proof at once has passed.

    The others came too late. Where a machine is too slow for so many at once, some may
    have been told to try again, which is no answer to whether they would have passed.
    """
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(status) == 1, statuses
    for answer in answers:
        if answer.status_code not in (status, 503):
            problem(answer, 410, "challenge_used")
    assert 410 in statuses
    return statuses.index(status)
