"""A statement that is compiled once and given to the driver as it is.

For the one statement that every webhook waits for: SQLAlchemy's way of running it costs more than the database's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Dialect, Insert, PoolProxiedConnection


class Prepared:
    """Writes rows of the same columns and returns what the statement returns of each, unconverted."""

    def __init__(self, statement: Insert, dialect: Dialect, example: Mapping[str, Any]) -> None:
        """``example``: a row with all columns that rows will have. Defaults of Python's side are not filled in."""
        compiled = statement.compile(dialect=dialect, column_keys=list(example))
        self._sql = str(compiled)
        # The statement's own values, such as those of ON CONFLICT, stay; those of the example are replaced.
        self._fixed = {name: value for name, value in compiled.params.items() if name not in example}
        self._convert: dict[str, Callable[[Any], Any]] = {}
        for name in compiled.params:
            convert = compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect)
            if convert is not None:
                self._convert[name] = convert
        for name in self._fixed.keys() & self._convert.keys():
            self._fixed[name] = self._convert[name](self._fixed[name])
        # By place (SQLite) or by name (PostgreSQL).
        self._places: Sequence[str] | None = compiled.positiontup

    def run(self, connection: PoolProxiedConnection, rows: Sequence[Mapping[str, Any]]) -> list[Any]:
        """What RETURNING gives for these rows, one after the other."""
        given = [self._parameters(row) for row in rows]
        cursor = connection.cursor()
        try:
            if self._places is not None:
                results: list[Any] = []
                for one in given:
                    cursor.execute(self._sql, one)
                    results += cursor.fetchall()
                return results
            if len(given) == 1:
                cursor.execute(self._sql, given[0])
                return list(cursor.fetchall())
            results = []
            cursor.executemany(self._sql, given, returning=True)  # type: ignore[call-arg]  # psycopg: all in one round trip
            while True:
                results += cursor.fetchall()
                if not cursor.nextset():
                    return results
        finally:
            cursor.close()

    def _parameters(self, row: Mapping[str, Any]) -> Any:
        values = {**self._fixed, **row}
        for name, convert in self._convert.items():
            if name in row:
                values[name] = convert(values[name])
        return values if self._places is None else tuple([values[name] for name in self._places])
