"""What a request may cost: processor time, beside a bare route in the same run."""
