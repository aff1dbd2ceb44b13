"""The rules: what may happen, to whom, and when."""
