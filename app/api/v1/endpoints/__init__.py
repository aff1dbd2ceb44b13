"""The endpoints, by resource."""

from fastapi import APIRouter

from app.api.routes import JsonRoute, declare

PREFIX = "/api/v1"


def endpoints(
    prefix: str, tag: str, route_class: type[JsonRoute] = JsonRoute
) -> APIRouter:
    """Return the router of a resource."""
    return declare(PREFIX + prefix, tag, route_class)
