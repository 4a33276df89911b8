"""What looks different, and what became slower, against production."""
