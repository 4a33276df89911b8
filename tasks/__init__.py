"""The steps that flows are made of: idempotent, retried by one policy, one unit of work each."""
