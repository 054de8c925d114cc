"""Arrays from and to the world outside: files and other libraries."""
