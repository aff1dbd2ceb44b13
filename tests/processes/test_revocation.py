"""What one process takes away is refused by all others within a second."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.processes.hearing import HEARD_SECONDS, make_reader, trusted_for
from tests.support.people import API, Person
from tests.support.problems import problem, reason
from tests.support.revoking import ENDS, LOSSES, ME, USERS, Act

pytestmark = pytest.mark.postgresql

Clients = list[httpx2.AsyncClient]


async def taken_from(
    clients: Clients, admin: Person, name: str, act: Act
) -> AsyncIterator[Person]:
    """Take something from somebody new through each process in turn; all others have
    remembered them, and must have heard of it in time."""
    for number, through in enumerate(clients):
        others = [client for client in clients if client is not through]
        eve = await make_reader(through, admin, f"{name}-{number}@example.com")
        assert await trusted_for(act, through, others, eve, admin) < HEARD_SECONDS
        yield eve


class TestOtherProcesses:
    """Three processes; each in turn takes away, the other two remember."""

    @pytest.mark.parametrize(("why", "act"), ENDS.items(), ids=ENDS.keys())
    async def test_session_is_refused(
        self, clients: Clients, admin: Person, why: str, act: Act
    ) -> None:
        """The session has ended for every process, which can say why."""
        async for eve in taken_from(clients, admin, why, act):
            for client in clients:
                assert reason(await client.get(USERS, headers=eve.headers)) == why
                body = {"refresh_token": eve.refresh_token}
                refused = await client.post(f"{API}/auth/refresh", json=body)
                assert refused.status_code == 401, refused.text

    @pytest.mark.parametrize(("what", "act"), LOSSES.items(), ids=LOSSES.keys())
    async def test_permission_is_refused(
        self, clients: Clients, admin: Person, what: str, act: Act
    ) -> None:
        """The permission is gone in every process, the session is not."""
        async for eve in taken_from(clients, admin, what, act):
            for client in clients:
                refused = await client.get(USERS, headers=eve.headers)
                problem(refused, 403, "permission_denied")
                assert (await client.get(ME, headers=eve.headers)).status_code == 200
