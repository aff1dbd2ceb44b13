"""Whole flows over HTTP."""

import httpx2

from tests.support.people import API, PASSWORD, Person


class TestLifeOfAnAccount:
    """Sign up, sign in, stay signed in, sign out."""

    async def test_from_sign_up_to_sign_out(self, client: httpx2.AsyncClient) -> None:
        """A stranger signs up, signs in, refreshes, uses the token and signs out."""
        credentials = {"email": "ada@example.com", "password": PASSWORD}
        registered = await client.post(f"{API}/auth/register", json=credentials)
        assert registered.status_code == 201
        assert registered.json()["roles"] == ["user"]

        signed_in = (await client.post(f"{API}/auth/login", json=credentials)).json()
        body = {"refresh_token": signed_in["refresh_token"]}
        refreshed = await client.post(f"{API}/auth/refresh", json=body)
        assert refreshed.status_code == 200
        person = Person("ada@example.com", tokens=refreshed.json())
        assert person.session_id == signed_in["session_id"]

        me = await client.get(f"{API}/users/me", headers=person.headers)
        assert me.json()["email"] == "ada@example.com"
        out = await client.post(f"{API}/auth/logout", headers=person.headers)
        assert out.status_code == 204

        refused = await client.get(f"{API}/users/me", headers=person.headers)
        assert refused.status_code == 401
        assert refused.json()["code"] == "session_ended"
        assert refused.json()["reason"] == "signed_out"

    async def test_admin_disables_a_user(
        self, client: httpx2.AsyncClient, ada: Person, admin: Person
    ) -> None:
        """A disabled user is refused at the next request and can't come back."""
        path = f"{API}/users/{ada.id}"
        body = {"status": "disabled"}
        disabled = await client.patch(path, json=body, headers=admin.headers)
        assert disabled.json()["status"] == "disabled"

        refused = await client.get(f"{API}/users/me", headers=ada.headers)
        assert refused.json()["reason"] == "user_disabled"
        credentials = {"email": ada.email, "password": PASSWORD}
        again = await client.post(f"{API}/auth/login", json=credentials)
        assert again.json()["code"] == "account_disabled"
