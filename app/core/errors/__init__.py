"""Errors by what they are about; `app.core.exceptions` is the door to all."""
