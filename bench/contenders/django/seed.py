"""Fills Django's database past HTTP: `python seed.py 1000 10`."""

import json
import sys
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from urllib.parse import parse_qs

import django
from django.contrib.auth.hashers import make_password
from django.core.management import call_command
from django.db import transaction

from bench.contenders.people import PASSWORD, email, holder

django.setup()

from rest_framework.pagination import Cursor  # noqa: E402
from rest_framework_simplejwt.tokens import RefreshToken  # noqa: E402
from server.accounts.models import User  # noqa: E402
from server.accounts.views import AccountPages  # noqa: E402

BATCH = 10_000
TOKEN_LIFE = timedelta(hours=4)
"""Runs take longer than the five minutes that the service gives its tokens."""


def main(users: int, tokens: int) -> None:
    """Make the database, and write what was made."""
    call_command("migrate", run_syncdb=True, verbosity=0)
    password_hash = make_password(PASSWORD)
    rows = (_user(n, password_hash) for n in range(users))
    while batch := list(islice(rows, BATCH)):
        with transaction.atomic():
            User.objects.bulk_create(batch)
    with transaction.atomic():
        pairs = list(_tokens(users, tokens))
    access = [token for token, _ in pairs]
    seeded = {
        "access_tokens": access,
        "refresh_tokens": [token for _, token in pairs],
        # The first person is the admin.
        "admin_token": access[0],
        "last_page": _last_page(users),
    }
    Path("seeded.json").write_text(json.dumps(seeded), encoding="utf-8")


def _user(number: int, password_hash: str) -> User:
    return User(
        email=email(number),
        password=password_hash,
        first_name="Person",
        last_name=str(number),
        is_staff=number == 0,
    )


def _tokens(users: int, tokens: int) -> Iterator[tuple[str, str]]:
    """Make sign-ins' tokens, which the blacklist's tables list as outstanding."""
    people = list(User.objects.order_by("id"))
    for number in range(tokens):
        refresh = RefreshToken.for_user(people[holder(number, users, tokens)])
        access = refresh.access_token
        access.set_exp(lifetime=TOKEN_LIFE)
        yield str(access), str(refresh)


def _last_page(users: int) -> str:
    """Return the cursor of the page after the account above the oldest fifty."""
    above = User.objects.order_by("id")[min(AccountPages.page_size, users - 1)]
    pages = AccountPages()
    pages.base_url = ""
    link = pages.encode_cursor(Cursor(0, False, str(above.pk)))
    return parse_qs(link.lstrip("?"))["cursor"][0]


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
