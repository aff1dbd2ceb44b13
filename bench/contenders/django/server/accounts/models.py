"""The accounts' table."""

from typing import Any

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models


class Accounts(BaseUserManager["User"]):
    """Makes accounts."""

    def create_user(self, email: str, password: str, **values: Any) -> "User":
        """Make an account."""
        user = self.model(email=self.normalize_email(email), **values)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractUser):
    """Django's own account, but with an e-mail address in place of a name."""

    username = None
    email = models.EmailField(unique=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: list[str] = []

    objects = Accounts()
