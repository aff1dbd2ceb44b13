"""What the service answers, and how soon, when something is wrong with its database."""
