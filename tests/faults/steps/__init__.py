"""The operations of the load: what is sent, and what it means for the account."""
