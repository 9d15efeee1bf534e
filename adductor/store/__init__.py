"""What is on disk: the tables, the engine and its transactions, and the queries that have a name."""

from adductor.store.engine import BusyError, Store

__all__ = ["BusyError", "Store"]
