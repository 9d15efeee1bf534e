"""What makes the pictures and examples of this repo; not installed."""
