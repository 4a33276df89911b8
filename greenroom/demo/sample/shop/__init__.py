"""Tolmere: a small shop for stoneware. Run it with ``python -m shop``."""
