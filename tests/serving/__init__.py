"""`cardea serve`: real processes, real sockets."""
