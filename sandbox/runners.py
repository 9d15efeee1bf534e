"""The runners that a new sandbox starts with. All made up."""

from __future__ import annotations

from typing import Any

MADE_UP_RUNNERS: list[dict[str, Any]] = [
    {
        "firstname": "Mara", "lastname": "Lindholm", "city": "Stockholm", "country": "Sweden", "sex": "F",
        "timezone": "Europe/Stockholm", "latitude": 59.319, "longitude": 18.063,
    },
    {
        "firstname": "Sam", "lastname": "Okoro", "city": "Boston", "country": "United States", "sex": "M",
        "timezone": "America/New_York", "latitude": 42.357, "longitude": -71.089,
        "measurement_preference": "feet",
    },
    {
        "firstname": "Noor", "lastname": "Haddad", "city": "Berlin", "country": "Germany", "sex": None,
        "timezone": "Europe/Berlin", "latitude": 52.514, "longitude": 13.350,
    },
    {
        "firstname": "Kenji", "lastname": "Mori", "city": "Osaka", "country": "Japan", "sex": "M",
        "timezone": "Asia/Tokyo", "latitude": 34.687, "longitude": 135.526,
    },
    {
        "firstname": "Aroha", "lastname": "Ngata", "city": "Wellington", "country": "New Zealand", "sex": "F",
        "timezone": "Pacific/Auckland", "latitude": -41.290, "longitude": 174.781,
    },
]  # fmt: skip
