"""Run the gateway: ``python -m greenroom.gateway``."""

from greenroom.gateway.app import main

main()
