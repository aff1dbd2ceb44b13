"""What people are told without asking, and the links in it."""
