"""Side-by-side measurements of Cardea and its rivals: `python -m bench`."""
