"""Greenroom: self-hosted staging environments."""

__version__ = "0.1.0"
