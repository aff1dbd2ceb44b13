"""The settings, in groups; `app/core/config.py` puts them together."""
