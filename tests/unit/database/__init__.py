"""Engines and transactions, on both databases."""
