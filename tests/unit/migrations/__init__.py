"""Migrations, up and down."""
