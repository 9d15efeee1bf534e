"""Everything goes wrong at once, for minutes, and then the books are checked: `python -m bench.chaos --help`."""
