"""bcrypt at the common cost."""

import os

from django.contrib.auth.hashers import BCryptSHA256PasswordHasher


class BcryptHasher(BCryptSHA256PasswordHasher):
    """Django's hasher, whose docstring calls it the recommended one."""

    rounds = int(os.environ["BCRYPT_ROUNDS"])
