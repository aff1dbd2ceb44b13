"""Cardea, a self-hosted sign-in service."""

__version__ = "0.1.0"
