"""What tests are made with: databases, servers, people."""
