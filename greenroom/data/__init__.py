"""Data: every environment's own database."""
