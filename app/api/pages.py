"""The pages that errors point to, and the documentation of the API."""

from pathlib import Path

import fastapi_offline
from fastapi import APIRouter, FastAPI
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from app.api.deps import SettingsDep
from app.api.html import page
from app.core.exceptions import NotFoundError, all_errors
from app.schemas.problems import problems

ASSETS_PATH = "/assets"
OPENAPI_PATH = "/openapi.json"

_DOCS_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; worker-src blob:; frame-ancestors 'none'"
)

router = APIRouter(include_in_schema=False)


@router.get("/errors")
async def list_errors(settings: SettingsDep) -> HTMLResponse:
    """List every error there is."""
    return page("errors.html", settings, errors=all_errors())


@router.get("/errors/{code}", responses=problems(NotFoundError))
async def explain_error(code: str, settings: SettingsDep) -> HTMLResponse:
    """Say what an error means, why it happens and what to do."""
    for error in all_errors():
        if error.code == code:
            return page("error.html", settings, error=error)
    raise NotFoundError


@router.get("/docs")
async def swagger(settings: SettingsDep) -> HTMLResponse:
    """Show the API to try out."""
    return _documentation(
        get_swagger_ui_html(
            openapi_url=OPENAPI_PATH,
            title=f"{settings.service_name} API",
            swagger_js_url=f"{ASSETS_PATH}/swagger-ui-bundle.js",
            swagger_css_url=f"{ASSETS_PATH}/swagger-ui.css",
            swagger_favicon_url="data:,",
            swagger_ui_parameters={
                "persistAuthorization": False,
                "tryItOutEnabled": True,
            },
        )
    )


@router.get("/redoc")
async def redoc(settings: SettingsDep) -> HTMLResponse:
    """Show the API to read."""
    return _documentation(
        get_redoc_html(
            openapi_url=OPENAPI_PATH,
            title=f"{settings.service_name} API",
            redoc_js_url=f"{ASSETS_PATH}/redoc.standalone.js",
            redoc_favicon_url="data:,",
            with_google_fonts=False,
        )
    )


def mount_assets(app: FastAPI) -> None:
    """Serve the scripts of the documentation from the package that carries them."""
    assets = Path(fastapi_offline.__file__).parent / "static"
    app.mount(ASSETS_PATH, StaticFiles(directory=assets), name="assets")


def _documentation(response: HTMLResponse) -> HTMLResponse:
    response.headers["Content-Security-Policy"] = _DOCS_POLICY
    return response
