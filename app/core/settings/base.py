"""What all groups of settings have in common."""

from pydantic import model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_EMPTY_MEANS_OFF = frozenset({"breached_passwords_url"})


class SettingGroup(BaseSettings):
    """Settings that belong together."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _empty_is_unset(cls, values: dict[str, object]) -> dict[str, object]:
        """Take an empty variable for none, unless empty means off."""
        return {
            name: value
            for name, value in values.items()
            if value != "" or name in _EMPTY_MEANS_OFF
        }
