"""POST /api/v1/auth/refresh with tokens that we did not issue, or none."""

from collections.abc import Callable

import httpx2
import pytest

from tests.support.people import API, Person
from tests.support.problems import fields, problem
from tests.support.refreshing import refresh

REFRESH = f"{API}/auth/refresh"


class TestForged:
    """Tokens that we did not issue."""

    @pytest.mark.parametrize(
        "change",
        [
            lambda _: "",
            lambda _: "garbage",
            lambda _: "cardea_rt_",
            lambda _: "cardea_rt_\u00e9",
            lambda token: token[:-1],
            lambda token: token + "A",
            lambda token: token + "=",
            lambda token: " " + token,
            lambda token: token.removeprefix("cardea_rt_"),
            lambda token: token.replace("cardea_rt_", "cardea_dev_"),
            lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
            lambda token: token[:12] + ("A" if token[12] != "A" else "B") + token[13:],
        ],
        ids=[
            "empty",
            "garbage",
            "prefix alone",
            "not ASCII",
            "cut",
            "longer",
            "padded",
            "with a blank",
            "no prefix",
            "other prefix",
            "other signature",
            "other session",
        ],
    )
    async def test_refused(
        self,
        client: httpx2.AsyncClient,
        ada: Person,
        change: Callable[[str], str],
    ) -> None:
        """A forged token learns nothing, and the session goes on."""
        forged = await refresh(client, change(ada.refresh_token))
        problem(forged, 401, "invalid_refresh_token")
        assert (await refresh(client, ada.refresh_token)).status_code == 200

    async def test_access_token(self, client: httpx2.AsyncClient, ada: Person) -> None:
        """An access token is no refresh token: it is too long even to be one."""
        response = await refresh(client, ada.tokens["access_token"])
        assert fields(response) == ["body.refresh_token"]

    async def test_nothing(self, client: httpx2.AsyncClient) -> None:
        """Without body and cookie there is nobody to refresh."""
        problem(await client.post(REFRESH), 401, "not_authenticated")

    async def test_empty_object(self, client: httpx2.AsyncClient) -> None:
        """A body must name its token."""
        assert fields(await client.post(REFRESH, json={})) == ["body.refresh_token"]

    async def test_unknown_field(self, client: httpx2.AsyncClient, ada: Person) -> None:
        """A body names nothing else."""
        body = {"refresh_token": ada.refresh_token, "scope": "all"}
        assert fields(await client.post(REFRESH, json=body)) == ["body.scope"]
