"""Mail on its way: delivered over SMTP to a real server, whatever happens."""
