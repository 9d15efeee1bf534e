"""Parse whole numbers of forms and addresses."""

from __future__ import annotations

import re

# No field of ours means more; and Python itself refuses to read thousands of digits, with an error of its own.
_DIGITS = re.compile(r"[0-9]{1,6}")
# The largest that a column of ids holds, in SQLite and in PostgreSQL. Asking for more is an error there.
LARGEST_ID = 2**63 - 1


def whole(text: str) -> int | None:
    """The number of a text of at most six digits; None for any other text."""
    text = text.strip()
    return int(text) if _DIGITS.fullmatch(text) else None


def row_id(text: str) -> int:
    """An id as an address gives it. Raises ValueError for what can't be one."""
    number = int(text)
    if not 0 <= number <= LARGEST_ID:
        raise ValueError("no row has this id")
    return number
