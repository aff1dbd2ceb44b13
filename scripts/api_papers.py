"""The papers that are made from the API: docs/errors.md, openapi.json."""

import json

from app.core.exceptions import AppError, all_errors
from app.main import create_app
from scripts.settings_papers import default_settings, wrapped

_ERRORS = """\
# Errors

<!-- Made by `python -m scripts.write_docs` from app/core/exceptions.py. -->

Every error, whoever raises it, is a problem document (RFC 9457) of the type
`application/problem+json`:

```json
{{
  "type": "http://localhost:8000/errors/invalid_credentials",
  "title": "Email or password is incorrect.",
  "status": 401,
  "code": "invalid_credentials",
  "request_id": "6f1c2a0b9d5e4f4c8e0d3b7a51c2f9e4"
}}
```

Compare with `code`: codes are added, never renamed. `type` is the address of the page
that says what is said here; a running service has them all at `/errors`. `request_id`
stands in the service's log too. `validation_failed` adds `errors`, a list of `field`
and `reason`; `session_ended` adds `reason`. Status 401 comes with
`WWW-Authenticate: Bearer`; 429 and 503 come with `Retry-After`, in seconds.

`POST /api/v1/auth/token` alone answers its own errors in the form that OAuth clients
know (RFC 6749, section 5.2).

| code | status | title |
|---|---|---|
{rows}

{sections}
"""


def errors() -> str:
    """Return docs/errors.md."""
    known = all_errors()
    return _ERRORS.format(
        rows="\n".join(_row(error) for error in known),
        sections="\n\n".join(_section(error) for error in known),
    )


def openapi() -> str:
    """Return openapi.json: the contract of a service with default settings."""
    document = create_app(default_settings()).openapi()
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _row(error: type[AppError]) -> str:
    return f"| [{error.code}](#{error.code}) | {error.http_status} | {error.title} |"


def _section(error: type[AppError]) -> str:
    return "\n\n".join(
        (
            f"## {error.code}",
            f"Status {error.http_status}: {error.title}",
            _paragraph("What happened", error.explanation()),
            _paragraph("What to do", error.remedy),
        )
    )


def _paragraph(heading: str, text: str) -> str:
    return wrapped(f"**{heading}.** {' '.join(text.split())}")
