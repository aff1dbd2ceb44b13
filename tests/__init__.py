"""The tests of Cardea."""
