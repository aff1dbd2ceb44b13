"""The command line: what operators do beside the running server."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import click
from jinja2 import TemplateError

from app import __version__
from app.core.config import Settings, load_settings
from app.core.emails import check_email
from app.core.exceptions import AppError, EmailTakenError, StartupError
from app.core.logging import configure_logging
from app.migrations import head_revision, prepare_schema
from app.services.container import Services, open_services
from app.services.letter_templates import mistake_in
from app.services.sample_letters import write_samples

Result = TypeVar("Result")


@click.group()
@click.version_option(__version__, prog_name="cardea")
def main() -> None:
    """Cardea, a self-hosted sign-in service."""


@main.command("create-admin")
@click.option("--email", prompt="E-mail", help="The e-mail address to sign in with.")
@click.option(
    "--promote",
    is_flag=True,
    help="Make an existing account an admin instead; its password stays.",
)
def create_admin(email: str, promote: bool) -> None:
    """Make an administrator.

    The password is asked for, or read as one line from standard input if that is no
    terminal. It is never taken from an argument, where other users could see it.
    """
    if promote:
        if _run(lambda services: services.setup.promote(email)) is None:
            raise click.ClickException("There is no account with this e-mail address.")
        click.echo(f"{email} is an administrator now.")
        return
    try:
        check_email(email)
    except ValueError as error:
        raise click.ClickException(f"The --email {error}.") from None
    password = _ask_password()
    _run(lambda services: services.setup.create_admin(email, password))
    click.echo(f"Administrator {email} was made.")


@main.command("rotate-keys")
@click.option(
    "--compromised",
    is_flag=True,
    help="Trust no other key any more: every access token dies, sessions stay.",
)
def rotate_keys(compromised: bool) -> None:
    """Make a new signing key.

    It is published at once and signs a day later, when everybody knows it. The server
    does this by itself every 90 days.
    """
    key = _run(lambda services: services.keys.rotate(compromised=compromised))
    click.echo(f"Key {key.kid} signs from {key.signs_from:%Y-%m-%d %H:%M} UTC.")


@main.command("migrate")
def migrate_database() -> None:
    """Bring the database's schema up to date; the server does it at start."""
    settings = _settings().model_copy(update={"migrate_on_start": True})
    with _errors_in_one_line():
        asyncio.run(prepare_schema(settings))
    click.echo(f"The database is at revision {head_revision()}.")


@main.group("mail")
def mail() -> None:
    """Look after the service's mail."""


@mail.command("preview")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def preview_mail(folder: Path) -> None:
    """Write a sample of every mail into FOLDER, to look at.

    In every language, as HTML and as text, with the name, the colour and the templates
    that the settings say. It needs no database.
    """
    try:
        index = write_samples(_settings(), folder)
    except TemplateError as error:
        raise click.ClickException(mistake_in(error)) from None
    except OSError as error:
        raise click.ClickException(f"{folder}: {error.strerror}") from None
    click.echo(f"Open {index.resolve().as_uri()} to see every mail.")


@mail.command("test")
@click.argument("address")
def try_mail(address: str) -> None:
    """Send a test message to ADDRESS now, and say what happens.

    Over SMTP_URL, past the outbox. It needs no database.
    """
    # Only here: nothing else on the command line sends mail.
    from app.services.mail_trial import TrialFailedError, send_trial

    settings = _settings()
    try:
        check_email(address)
    except ValueError as error:
        raise click.ClickException(f"The address {error}.") from None
    try:
        asyncio.run(send_trial(settings, address, click.echo))
    except TrialFailedError as error:
        raise click.ClickException(str(error)) from None


@main.command("serve")
@click.option("--host", help="Listen on this address instead of SERVE_HOST.")
@click.option("--port", help="Listen on this port instead of SERVE_PORT.")
@click.option("--workers", help="Run so many processes instead of SERVE_WORKERS.")
@click.option(
    "--fd", type=click.IntRange(min=0), help="Listen on this open socket instead."
)
def serve_requests(
    host: str | None, port: str | None, workers: str | None, fd: int | None
) -> None:
    """Run the service."""
    # What it needs does not exist on Windows, where everything else works.
    from app.serving.command import serve

    settings = _settings(serve_host=host, serve_port=port, serve_workers=workers)
    raise SystemExit(serve(settings, fd))


def _ask_password() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")


def _run(command: Callable[[Services], Awaitable[Result]]) -> Result:
    """Run a command on the services."""
    with _errors_in_one_line():
        return asyncio.run(_with_services(_settings(), command))


@contextmanager
def _errors_in_one_line() -> Iterator[None]:
    """Say in one line what went wrong, and exit with status 1."""
    try:
        yield
    except EmailTakenError:
        raise click.ClickException(
            "There is already an account with this e-mail address: add --promote to "
            "make it an admin's."
        ) from None
    except AppError as error:
        raise click.ClickException(f"{error.title} {error.remedy}") from None
    except StartupError as error:
        raise click.ClickException(str(error)) from None


async def _with_services(
    settings: Settings, command: Callable[[Services], Awaitable[Result]]
) -> Result:
    await prepare_schema(settings)
    async with open_services(settings, head_revision(), is_owner=False) as services:
        await services.setup.ensure_roles()
        return await command(services)


def _settings(**chosen: str | None) -> Settings:
    settings = load_settings(**chosen)
    configure_logging(settings)
    return settings
