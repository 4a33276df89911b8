"""A table of contents: one verb a file, composed of tasks."""
