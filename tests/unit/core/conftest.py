"""Fixtures for tests of settings."""

import os
from collections.abc import Callable

import pytest
from pydantic import ValidationError

from app.core.config import Settings, explain
from tests.support.databases import SECRET_KEY

Load = Callable[..., Settings]
Refusal = Callable[..., list[str]]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Load:
    """Read settings from nothing but the environment variables that a test names."""
    for name in [name for name in os.environ if name.lower() in Settings.model_fields]:
        monkeypatch.delenv(name)

    def with_environment(**values: object) -> Settings:
        for name, value in {"secret_key": SECRET_KEY, **values}.items():
            monkeypatch.setenv(name.upper(), str(value))
        return Settings(_env_file=None)  # type: ignore[call-arg]

    return with_environment


@pytest.fixture
def refusal(load: Load) -> Refusal:
    """Return the lines that a start with these values ends with."""

    def lines(**values: object) -> list[str]:
        with pytest.raises(ValidationError) as caught:
            load(**{"environment": "test", **values})
        return explain(caught.value)

    return lines
