"""The ids of rows in addresses."""

from __future__ import annotations

# The largest that a column of ids holds, in SQLite and in PostgreSQL. Asking for more is an error there.
LARGEST_ID = 2**63 - 1


def row_id(text: str) -> int:
    """An id as an address gives it. Raises ValueError for what can't be one."""
    number = int(text)
    if not 0 <= number <= LARGEST_ID:
        raise ValueError("no row has this id")
    return number
