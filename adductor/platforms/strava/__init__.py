"""Everything that has Strava's shape: its API, its webhooks, its rate limits, its words."""
