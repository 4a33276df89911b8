"""Sources: where a project's code comes from, and what events about it mean."""
