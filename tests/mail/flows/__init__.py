"""Whatever people do with mail, from the request to the mail that arrived and on."""
