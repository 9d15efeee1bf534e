"""Measurements that a developer runs by hand or by make; not part of the product."""
