"""The steps that flows are made of: idempotent, retried by one policy, each with its own unit of work."""
