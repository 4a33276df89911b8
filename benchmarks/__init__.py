"""The figures that Greenroom states, each measured anew: ``python -m benchmarks <name>``."""
