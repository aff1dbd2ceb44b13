"""What strangers may send: nonsense, forgeries, floods."""
