"""What visitors meet first: certificates."""
