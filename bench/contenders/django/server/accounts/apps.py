"""The application's name."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """The accounts; their table is made by `migrate --run-syncdb`."""

    name = "server.accounts"
    label = "accounts"
