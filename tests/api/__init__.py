"""Every call of the HTTP contract, in success and failure."""
