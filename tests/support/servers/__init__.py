"""Small local servers that speak the protocols of our dependencies."""
