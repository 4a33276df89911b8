"""The console: pages for people, behind a login. It starts work; it never does it."""
