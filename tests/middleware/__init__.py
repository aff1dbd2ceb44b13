"""What every request passes, seen from outside."""
