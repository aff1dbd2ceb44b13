"""`python -m app` is the same as `cardea`."""

from app.cli import main

main()
