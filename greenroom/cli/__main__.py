"""Run the command line by ``python -m greenroom.cli``."""

from greenroom.cli.main import main

main()
