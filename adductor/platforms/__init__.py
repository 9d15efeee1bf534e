"""Running-log platforms: one folder each; ``base`` has their Protocol, errors and records."""
