"""The pages, one a file, each with ``show()``."""
