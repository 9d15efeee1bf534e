"""What the product knows and does. It knows no web framework and no queue."""

__version__ = "0.1.0"
