"""What Prometheus asks for; there only with METRICS_TOKEN."""

import hmac
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from prometheus_client import CONTENT_TYPE_LATEST

from app.api.deps import BearerTokenDep, ServicesDep, SettingsDep
from app.core.exceptions import InvalidTokenError, NotAuthenticatedError

router = APIRouter(include_in_schema=False)


async def must_know_the_token(settings: SettingsDep, bearer: BearerTokenDep) -> None:
    """Let only those pass who send METRICS_TOKEN.

    Raises:
        NotAuthenticatedError: If they send no token.
        InvalidTokenError: If they send another.
    """
    if bearer is None:
        raise NotAuthenticatedError
    expected = settings.metrics_token.get_secret_value()
    if not hmac.compare_digest(bearer.encode(), expected.encode()):
        raise InvalidTokenError


@router.get("/metrics")
async def metrics(
    services: ServicesDep, _: Annotated[None, Depends(must_know_the_token)]
) -> Response:
    """Return what this process counts, in Prometheus's text format."""
    text = await services.metrics.render()
    return Response(text, media_type=CONTENT_TYPE_LATEST)
