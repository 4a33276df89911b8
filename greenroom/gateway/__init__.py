"""The gateway: sends each request to the environment of its host, and takes webhooks in."""
