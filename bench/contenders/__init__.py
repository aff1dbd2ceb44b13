"""Who is measured: each a folder with its server, and a module that knows its ways."""
