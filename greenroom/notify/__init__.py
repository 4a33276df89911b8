"""Telling people, by the services that they use."""
