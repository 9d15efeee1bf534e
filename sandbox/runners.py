"""The runners that a new sandbox starts with. All made up."""

from __future__ import annotations

from typing import Any

MADE_UP_RUNNERS: list[dict[str, Any]] = [
    {
        "firstname": "Mara", "lastname": "Lindholm", "city": "Stockholm", "country": "Sweden", "sex": "F",
        "timezone": "Europe/Stockholm",
    },
    {
        "firstname": "Sam", "lastname": "Okoro", "city": "Boston", "country": "United States", "sex": "M",
        "timezone": "America/New_York",
        "measurement_preference": "feet",
    },
    {
        "firstname": "Noor", "lastname": "Haddad", "city": "Berlin", "country": "Germany", "sex": None,
        "timezone": "Europe/Berlin",
    },
    {
        "firstname": "Kenji", "lastname": "Mori", "city": "Osaka", "country": "Japan", "sex": "M",
        "timezone": "Asia/Tokyo",
    },
    {
        "firstname": "Aroha", "lastname": "Ngata", "city": "Wellington", "country": "New Zealand", "sex": "F",
        "timezone": "Pacific/Auckland",
    },
]  # fmt: skip
