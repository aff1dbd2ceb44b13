"""How to bring about each error of the contract over HTTP."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx2

from app.core.security import HashingPool
from app.services.breached_passwords import BreachedPasswords
from app.services.circuit_breaker import BreakerRegistry
from app.services.health import Health
from app.services.passwords import Passwords
from tests.support.apps import RunningApp
from tests.support.clock import FakeClock
from tests.support.mailbox import Mail, last_mail
from tests.support.people import API, PASSWORD, Person, register, sign_in
from tests.support.roles import give_roles, make_role
from tests.support.servers.range_api import RangeApi
from tests.support.services import full_queue, lose_database, put, put_passwords

ME = f"{API}/users/me"
USERS = f"{API}/users"
ROLES = f"{API}/roles"
REGISTER = f"{API}/auth/register"
LOGIN = f"{API}/auth/login"
VERIFY = f"{API}/auth/email/verify"
OUTBOX = f"{API}/outbox"
MARKED = "e4c4o-marked"
"""Stands in what is sent; no answer may repeat it."""

NEW = {"email": "new@example.com", "password": PASSWORD}


@dataclass
class Stage:
    """Everything that a provocation needs."""

    running: RunningApp
    client: httpx2.AsyncClient
    clock: FakeClock
    admin: Person

    async def call(
        self, method: str, path: str, body: Any = None, by: Person | None = None
    ) -> httpx2.Response:
        """Call as an admin, or as somebody else."""
        headers = (by or self.admin).headers
        return await self.client.request(method, path, json=body, headers=headers)

    async def someone(self) -> Person:
        """Return somebody without any permission."""
        return await sign_in(
            self.client, await register(self.client, "ada@example.com")
        )


Act = Callable[[Stage], Awaitable[httpx2.Response]]


@dataclass(frozen=True)
class Provocation:
    """What to do, and under which settings."""

    act: Act
    changes: dict[str, Any] = field(default_factory=dict)


PROVOCATIONS: dict[str, Provocation] = {}


def provokes(code: str, **changes: Any) -> Callable[[Act], Act]:
    """Enter a provocation under the code it brings about."""

    def enter(act: Act) -> Act:
        PROVOCATIONS[code] = Provocation(act, changes)
        return act

    return enter


def enter_call(
    code: str, method: str, path: str, body: Any = None, **changes: Any
) -> None:
    """Enter a single call by an admin."""
    provokes(code, **changes)(lambda stage: stage.call(method, path, body))


def enter_password(code: str, password: str) -> None:
    """Enter a sign-up with a bad password."""
    body = {"email": f"{MARKED}@example.com", "password": password}
    enter_call(code, "POST", REGISTER, body)


enter_call("validation_failed", "PATCH", ME, {"display_name": f"\x00{MARKED}"})
enter_call("not_found", "GET", f"/{MARKED}")
enter_call("method_not_allowed", "DELETE", f"/?{MARKED}")
enter_call("body_too_large", "PATCH", ME, {"display_name": MARKED * 10_000})
enter_call("user_not_found", "GET", f"{USERS}/{uuid4()}")
enter_call("session_not_found", "DELETE", f"{ME}/sessions/{uuid4()}")
enter_call("role_not_found", "DELETE", f"{ROLES}/{MARKED}")
enter_call("email_taken", "POST", REGISTER, NEW | {"email": "ROOT@example.com"})
enter_call("role_exists", "POST", ROLES, {"name": "user", "permissions": []})
enter_call("role_builtin", "DELETE", f"{ROLES}/user")
enter_call("sign_up_closed", "POST", REGISTER, NEW, sign_up="closed")
enter_call("last_admin", "DELETE", ME, {"password": PASSWORD})
enter_call("wrong_password", "DELETE", ME, {"password": MARKED})
enter_password("password_too_short", "e4c4o")
enter_password("password_too_long", MARKED * 11)
enter_password("password_too_common", "qwertyuiop123")
enter_password("password_contains_personal_data", f"my {MARKED} rules")


@provokes("unsupported_media_type")
async def _(stage: Stage) -> httpx2.Response:
    return await stage.client.post(LOGIN, data={"email": MARKED})


@provokes("host_not_allowed")
async def _(stage: Stage) -> httpx2.Response:
    return await stage.client.get(ME, headers={"Host": f"{MARKED}.example.com"})


@provokes("cross_site_request")
async def _(stage: Stage) -> httpx2.Response:
    origin = f"https://{MARKED}.example.com"
    headers = {"Cookie": "cardea_access=x", "Origin": origin}
    return await stage.client.patch(ME, json={}, headers=headers)


@provokes("not_authenticated")
async def _(stage: Stage) -> httpx2.Response:
    return await stage.client.get(ME)


@provokes("invalid_token")
async def _(stage: Stage) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {MARKED}"}
    return await stage.client.get(ME, headers=headers)


@provokes("token_expired")
async def _(stage: Stage) -> httpx2.Response:
    stage.clock.tick(minutes=10)
    return await stage.call("GET", ME)


@provokes("session_ended")
async def _(stage: Stage) -> httpx2.Response:
    await stage.call("POST", f"{API}/auth/logout")
    return await stage.call("GET", ME)


@provokes("invalid_refresh_token")
async def _(stage: Stage) -> httpx2.Response:
    body = {"refresh_token": f"cardea_rt_{MARKED}"}
    return await stage.client.post(f"{API}/auth/refresh", json=body)


@provokes("invalid_credentials")
async def _(stage: Stage) -> httpx2.Response:
    body = {"email": f"{MARKED}@example.com", "password": MARKED}
    return await stage.client.post(LOGIN, json=body)


@provokes("account_disabled")
async def _(stage: Stage) -> httpx2.Response:
    ada = await stage.someone()
    await stage.call("PATCH", f"{USERS}/{ada.id}", {"status": "disabled"})
    body = {"email": ada.email, "password": PASSWORD}
    return await stage.client.post(LOGIN, json=body)


@provokes("email_not_verified", email_verification="required")
async def _(stage: Stage) -> httpx2.Response:
    await stage.client.post(REGISTER, json=NEW)
    return await stage.client.post(LOGIN, json=NEW)


async def _sent(stage: Stage) -> Mail:
    """Sign somebody up, and return the mail that proves the address."""
    await stage.client.post(REGISTER, json=NEW)
    return await last_mail(stage.running.services, NEW["email"])


@provokes("challenge_failed")
async def _(stage: Stage) -> httpx2.Response:
    return await stage.client.post(VERIFY, json={"token": MARKED})


@provokes("sign_up_password_needed", email_verification="required")
async def _(stage: Stage) -> httpx2.Response:
    mail = await _sent(stage)
    return await stage.client.post(VERIFY, json=mail.by_link)


@provokes("challenge_used")
async def _(stage: Stage) -> httpx2.Response:
    mail = await _sent(stage)
    await stage.client.post(VERIFY, json=mail.by_link)
    return await stage.client.post(VERIFY, json=mail.by_link)


@provokes("challenge_cancelled", rate_limits=False)
async def _(stage: Stage) -> httpx2.Response:
    mail = await _sent(stage)
    await stage.client.post(
        f"{API}/auth/email/resend", json={"email": "new@example.com"}
    )
    return await stage.client.post(VERIFY, json=mail.by_link)


@provokes("challenge_expired")
async def _(stage: Stage) -> httpx2.Response:
    mail = await _sent(stage)
    stage.clock.tick(minutes=15)
    return await stage.client.post(VERIFY, json=mail.by_link)


@provokes("code_exhausted")
async def _(stage: Stage) -> httpx2.Response:
    mail = await _sent(stage)
    for _ in range(5):
        wrong = mail.by_code | {"code": mail.wrong_code}
        await stage.client.post(VERIFY, json=wrong)
    return await stage.client.post(VERIFY, json=mail.by_code)


@provokes(
    "mail_off",
    environment="production",
    bcrypt_rounds=10,
    rate_limits=True,
)
async def _(stage: Stage) -> httpx2.Response:
    body = {"email": f"{MARKED}@example.com"}
    return await stage.client.post(f"{API}/auth/password/forgot", json=body)


enter_call("mail_sign_in_off", "POST", f"{API}/auth/magic", {"email": "x@example.com"})


@provokes("account_password_needed")
async def _(stage: Stage) -> httpx2.Response:
    body = {"current_password": PASSWORD, "email": "new@example.com"}
    await stage.call("POST", f"{ME}/email", body)
    mail = await last_mail(stage.running.services, "new@example.com")
    return await stage.client.post(f"{API}/auth/email/change", json=mail.by_link)


@provokes("account_deleted", deletion_days=7)
async def _(stage: Stage) -> httpx2.Response:
    ada = await stage.someone()
    await stage.call("PATCH", f"{USERS}/{ada.id}", {"email_verified": True})
    await stage.call("DELETE", ME, {"password": PASSWORD}, by=ada)
    body = {"email": ada.email, "password": PASSWORD}
    return await stage.client.post(LOGIN, json=body)


@provokes("not_invited")
async def _(stage: Stage) -> httpx2.Response:
    return await stage.call("POST", f"{USERS}/{stage.admin.id}/invite")


@provokes("message_not_found")
async def _(stage: Stage) -> httpx2.Response:
    return await stage.call("POST", f"{OUTBOX}/{uuid4()}/retry")


@provokes("message_not_failed")
async def _(stage: Stage) -> httpx2.Response:
    await _sent(stage)
    [message] = (await stage.call("GET", OUTBOX)).json()["items"]
    return await stage.call("POST", f"{OUTBOX}/{message['id']}/retry")


@provokes("permission_denied")
async def _(stage: Stage) -> httpx2.Response:
    return await stage.call("GET", USERS, by=await stage.someone())


@provokes("role_in_use")
async def _(stage: Stage) -> httpx2.Response:
    await make_role(stage.client, stage.admin, MARKED, [])
    ada = await stage.someone()
    await give_roles(stage.client, stage.admin, ada, MARKED)
    return await stage.call("DELETE", f"{ROLES}/{MARKED}")


@provokes("password_breached")
async def _(stage: Stage) -> httpx2.Response:
    password = f"{MARKED} and breached"
    async with RangeApi(breached=[password]) as server:
        breached = BreachedPasswords(server.url, BreakerRegistry())
        settings = stage.running.services.settings
        put_passwords(stage.running, Passwords(settings, HashingPool(1), breached))
        body = NEW | {"password": password}
        response = await stage.client.post(REGISTER, json=body)
        await breached.aclose()
    return response


@provokes("too_many_requests")
async def _(stage: Stage) -> httpx2.Response:
    for _ in range(11):
        response = await stage.call("DELETE", ME, {"password": MARKED})
    return response


@provokes("busy")
async def _(stage: Stage) -> httpx2.Response:
    async with full_queue(stage.running):
        return await stage.client.post(LOGIN, json=NEW)


@provokes("database_unavailable")
async def _(stage: Stage) -> httpx2.Response:
    lose_database(stage.running)
    return await stage.call("GET", f"{USERS}/{uuid4()}")


class CrashingHealth(Health):
    """Crashes, with something secret in its words."""

    async def check(self) -> Any:
        """Crash."""
        raise RuntimeError(MARKED)


@provokes("internal_error")
async def _(stage: Stage) -> httpx2.Response:
    put(stage.running, health=CrashingHealth(stage.running.services.database, ""))
    return await stage.client.get("/health/ready")
