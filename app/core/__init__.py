"""What everything else stands on; imports nothing from above."""
