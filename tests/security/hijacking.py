"""Somebody who prepares an account before the owner of its address comes."""

from dataclasses import dataclass, field

import httpx2

from app.services.container import Services
from tests.support.mailbox import last_mail
from tests.support.people import API, PASSWORD, Person, register, sign_in

OWNER, STRANGER = "ada@example.com", "mallory@example.com"
OWNERS_PASSWORD = "nine quiet herons"
ME = f"{API}/users/me"

VERIFY, RESET = "email/verify", "password/reset"
MAGIC, CHANGE, UNDO = "magic/verify", "email/change", "email/undo"

Proof = dict[str, str]


@dataclass
class Hijacker:
    """Keeps whatever there is to keep, and tries it all when the owner has come.

    Attributes:
        client: Their programs, one of which is a browser with cookies.
        services: Where mail is looked at, even what they could not read.
    """

    client: httpx2.AsyncClient
    services: Services
    people: list[Person] = field(default_factory=list)
    proofs: list[tuple[str, Proof]] = field(default_factory=list)

    async def register(self, email: str) -> Person:
        """Make an account, and be signed in to it by a program and a browser."""
        person = await sign_in(self.client, await register(self.client, email))
        self.people.append(person)
        await self._post("login", email=email, password=PASSWORD, transport="cookie")
        return person

    async def ask(self, path: str, door: str, **body: str) -> None:
        """Ask for a mail to the owner; keep what it says, as if it could be guessed."""
        answer = await self._post(path, **body)
        await self._keep(door, body["email"], answer)

    async def ask_to_move(self, person: Person, email: str) -> None:
        """Begin to change the address of an account; keep what the mail says."""
        body = {"email": email, "current_password": person.password}
        answer = await self.client.post(
            f"{ME}/email", json=body, headers=person.headers
        )
        assert answer.status_code == 202, answer.text
        await self._keep(CHANGE, email, answer)

    async def move(self, person: Person, email: str) -> None:
        """Change the address; keep the link that undoes it, if it can be read."""
        await self.ask_to_move(person, email)
        _, by_code = self.proofs.pop()
        self.proofs.pop()
        await self._post(CHANGE, **by_code)
        if person.email != OWNER:
            mail = await last_mail(self.services, person.email)
            self.proofs.append((UNDO, mail.by_link))
        person.email = email

    async def what_opens(self) -> list[str]:
        """Try everything; return what was not refused."""
        opened = await self._tokens() + await self._cookies()
        for email in sorted({OWNER, *(person.email for person in self.people)}):
            body = {"email": email, "password": PASSWORD}
            if (await self._try("login", body)).is_success:
                opened.append(f"password at {email}")
        for door, proof in self.proofs:
            if (await self._try(door, self.body(door, proof))).is_success:
                opened.append(f"{door} with {', '.join(proof)}")
        return opened

    def body(self, door: str, proof: Proof) -> Proof:
        """Return what is sent with a proof, all of which they know."""
        chosen = {"new_password": "the strangers own one"} if door == RESET else {}
        takes_password = door in (CHANGE, VERIFY) and "token" in proof
        return proof | chosen | ({"password": PASSWORD} if takes_password else {})

    async def _tokens(self) -> list[str]:
        opened = []
        for person in self.people:
            if (await self.client.get(ME, headers=person.headers)).is_success:
                opened.append("access token")
            token = {"refresh_token": person.refresh_token}
            if (await self._try("refresh", token)).is_success:
                opened.append("refresh token")
        return opened

    async def _cookies(self) -> list[str]:
        kept = dict(self.client.cookies)
        me = await self.client.get(ME)
        assert dict(self.client.cookies) == kept, "an answer has taken cookies away"
        refreshed = await self.client.post(f"{API}/auth/refresh")
        tried = {"access cookie": me, "refresh cookie": refreshed}
        return [name for name, answer in tried.items() if answer.is_success]

    async def _keep(self, door: str, email: str, answer: httpx2.Response) -> None:
        mail = await last_mail(self.services, email)
        assert mail.challenge_id == answer.headers["cardea-challenge"]
        self.proofs += [(door, mail.by_link), (door, mail.by_code)]

    async def _post(self, path: str, **body: str) -> httpx2.Response:
        answer = await self._try(path, body)
        assert answer.is_success, answer.text
        return answer

    async def _try(self, path: str, body: Proof) -> httpx2.Response:
        return await self.client.post(f"{API}/auth/{path}", json=body)


@dataclass
class Owner:
    """Who reads the address, and comes with a mail.

    Attributes:
        client: Their program, which has nothing from before.
    """

    client: httpx2.AsyncClient
    services: Services

    async def reset(self, way: str) -> Person:
        """Set a new password, and sign in with it."""
        await self.post("password/forgot", email=OWNER)
        proof = await self.proof(way)
        await self.post(RESET, **proof, new_password=OWNERS_PASSWORD)
        return await sign_in(self.client, Person(OWNER, OWNERS_PASSWORD))

    async def sign_in_by_mail(self, way: str) -> Person:
        """Sign in without a password."""
        await self.post("magic", email=OWNER)
        tokens = (await self.post(MAGIC, **await self.proof(way))).json()
        return Person(OWNER, OWNERS_PASSWORD, tokens["user"]["id"], tokens)

    async def undo(self) -> None:
        """Take the account back with the link in the newest mail."""
        await self.post(UNDO, **await self.proof("link"))

    async def proof(self, way: str) -> Proof:
        """Return what the newest mail proves with."""
        mail = await last_mail(self.services, OWNER)
        return mail.by_link if way == "link" else mail.by_code

    async def post(self, path: str, **body: str) -> httpx2.Response:
        """Send something that is not refused."""
        answer = await self.client.post(f"{API}/auth/{path}", json=body)
        assert answer.is_success, answer.text
        return answer

    async def has_it_alone(self, owner: Person) -> bool:
        """Tell whether the account is the owner's, and nobody else is in it."""
        me = await self.client.get(ME, headers=owner.headers)
        listed = await self.client.get(f"{ME}/sessions", headers=owner.headers)
        is_theirs = me.json()["email"] == OWNER and me.json()["email_verified"]
        sessions = [one["id"] for one in listed.json()["items"]]
        return bool(is_theirs) and sessions == [owner.session_id]
