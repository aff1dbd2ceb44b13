"""How whoever asks for a mail learns what its code is to be given with."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Response

from app.core.middleware import CHALLENGE_HEADER

CHALLENGE_NAMED: dict[str, Any] = {
    "headers": {
        CHALLENGE_HEADER: {
            "description": "To be sent back, as `challenge_id`, with the mail's code.",
            "schema": {"type": "string", "format": "uuid"},
        }
    }
}
"""Documents that an answer names a challenge."""


class ChallengeWriter:
    """Names a challenge in a header, as the body is the same for everybody."""

    def __init__(self, response: Response) -> None:
        self._response = response

    def write(self, challenge_id: UUID | None) -> None:
        """Name a challenge, if there is one."""
        if challenge_id is not None:
            self._response.headers[CHALLENGE_HEADER] = str(challenge_id)


async def get_challenge_writer(response: Response) -> ChallengeWriter:
    """Return the writer of this answer."""
    return ChallengeWriter(response)


ChallengeWriterDep = Annotated[ChallengeWriter, Depends(get_challenge_writer)]
