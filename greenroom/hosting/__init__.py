"""Hosting: build an artifact once, run copies of it, tell whether they are well."""
