"""The service: accounts and JWTs, as the documentation of fastapi-users has it."""
