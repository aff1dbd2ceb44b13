"""What people do before they get a mail, and what asks for one."""

import httpx2

from tests.mail.flows.scene import Scene
from tests.support.mailbox import prove
from tests.support.people import API, PASSWORD, Person, register

NEW_PASSWORD = "nine quiet herons"
A_THIRD_PASSWORD = "seven tame geese at dusk"
ELSEWHERE = "198.51.100.7"
FAR = "far@example.com"


def first(email: str) -> str:
    """Return the address that somebody had before."""
    return f"first-{email}"


def new(email: str) -> str:
    """Return the address that somebody wants."""
    return f"new-{email}"


async def nothing(scene: Scene, email: str) -> None:
    """Leave things as they are."""


async def have_account(scene: Scene, email: str) -> None:
    """Have an account, whose owner has not signed in yet."""
    scene.people[email] = await register(scene.client, email)


async def be_signed_in(scene: Scene, email: str) -> None:
    """Have an account, and be signed in to it."""
    await have_account(scene, email)
    scene.people[email] = await scene.sign_in(scene.people[email])


async def be_proven(scene: Scene, email: str) -> None:
    """Be signed in to an account whose address is proven, so that it is told things."""
    await be_signed_in(scene, email)
    await prove(scene.running.services, scene.people[email])


async def have_moved(scene: Scene, email: str) -> None:
    """Be signed in to an account that had another address before."""
    await be_proven(scene, first(email))
    scene.people[email] = scene.people.pop(first(email))
    await move(scene, email, email)


async def have_signed_up(scene: Scene, email: str) -> None:
    """Have asked for an account."""
    answer = await sign_up(scene, email)
    scene.asked[email] = answer.headers["cardea-challenge"]


async def sign_up(scene: Scene, email: str) -> httpx2.Response:
    """Sign up; the mail goes to the address."""
    return await scene.post("auth/register", email=email, password=PASSWORD)


async def resend(scene: Scene, email: str) -> httpx2.Response:
    """Have the mail of an account sent again."""
    return await scene.post("auth/email/resend", email=email)


async def resend_own(scene: Scene, email: str) -> httpx2.Response:
    """Have the mail of a sign-up sent again, by who has signed up."""
    asked = scene.asked[email]
    return await scene.post("auth/email/resend", email=email, challenge_id=asked)


async def forget(scene: Scene, email: str) -> httpx2.Response:
    """Ask for a new password."""
    return await scene.post("auth/password/forgot", email=email)


async def ask_to_sign_in(scene: Scene, email: str) -> httpx2.Response:
    """Ask for a mail that signs in."""
    return await scene.post("auth/magic", email=email)


async def ask_to_move(scene: Scene, email: str) -> httpx2.Response:
    """Ask for another address; the mail goes there."""
    return await _ask_to_move(scene, scene.people[email], new(email))


async def move(scene: Scene, email: str, to: str) -> None:
    """Change the address of somebody's account."""
    asked = await _ask_to_move(scene, scene.people[email], to)
    mail = await scene.mail(to, asked.headers["cardea-challenge"])
    await scene.post("auth/email/change", **mail.by_code)


async def be_moved(scene: Scene, email: str) -> None:
    """Have the address changed; the mail goes to the one before."""
    await move(scene, email, new(email))


async def invite(scene: Scene, email: str) -> None:
    """Have an administrator invite somebody."""
    await scene.post("users", await scene.root(), email=email)


async def invite_again(scene: Scene, email: str) -> None:
    """Have the invitation sent again."""
    account = await scene.account(email)
    await scene.post(f"users/{account['id']}/invite", await scene.root())


async def reset_by_admin(scene: Scene, email: str) -> None:
    """Have an administrator ask somebody for a new password."""
    account = await scene.account(email)
    await scene.post(f"users/{account['id']}/reset-password", await scene.root())


async def sign_in_elsewhere(scene: Scene, email: str) -> None:
    """Sign in from where nobody has signed in before."""
    await scene.sign_in(scene.people[email], ELSEWHERE)


async def change_password(scene: Scene, email: str) -> None:
    """Change the password, or change it back."""
    who = scene.people[email]
    old = who.password
    who.password = A_THIRD_PASSWORD if old == PASSWORD else PASSWORD
    body = {"current_password": old, "new_password": who.password}
    await scene.post("users/me/password", who, **body)


async def copy_token(scene: Scene, email: str) -> None:
    """Come with a refresh token of a second session that was exchanged long ago."""
    copied = (await scene.sign_in(scene.people[email])).refresh_token
    newest, path = copied, f"{API}/auth/refresh"
    for _ in range(2):
        answer = await scene.post("auth/refresh", refresh_token=newest)
        newest = answer.json()["refresh_token"]
    reused = await scene.client.post(path, json={"refresh_token": copied})
    assert reused.json()["reason"] == "token_reused"


async def delete(scene: Scene, email: str) -> None:
    """Have somebody delete their account."""
    who = scene.people[email]
    answer = await scene.client.request(
        "DELETE",
        f"{API}/users/me",
        json={"password": who.password},
        headers=who.headers,
    )
    assert answer.is_success, answer.text


async def recover(scene: Scene, email: str) -> None:
    """Set another password with a mail, which cancels what was sent before."""
    asked = await forget(scene, email)
    mail = await scene.mail(email, asked.headers["cardea-challenge"])
    await scene.post(
        "auth/password/reset", **mail.by_code, new_password=A_THIRD_PASSWORD
    )


async def flee(scene: Scene, email: str) -> None:
    """Move on with the account, and set another password there."""
    await move(scene, email, FAR)
    await recover(scene, FAR)


async def take_over(scene: Scene, email: str) -> None:
    """Have an account be made with the address, and its owner come first."""
    root = await scene.root()
    await scene.post("users", root, email=email, password=PASSWORD)
    await recover(scene, email)


async def undo_first_move(scene: Scene, email: str) -> None:
    """Give the account back to the address that it had before this one."""
    mail = await scene.mail(first(email))
    await scene.post("auth/email/undo", **mail.by_link)


async def _ask_to_move(scene: Scene, who: Person, to: str) -> httpx2.Response:
    return await scene.post(
        "users/me/email", who, email=to, current_password=who.password
    )
