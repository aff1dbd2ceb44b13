"""Published mistakes of this field, a class for each: none of them is made here."""
