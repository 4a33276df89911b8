"""The platform's own processes: database, orchestrator, worker, gateway, console."""
