"""The HTTP API: what command line and console can do, for programs."""
