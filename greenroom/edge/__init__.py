"""What visitors meet first: certificates, content delivery networks."""
