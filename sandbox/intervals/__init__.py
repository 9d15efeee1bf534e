"""An intervals.icu on this machine, beside the Strava: OAuth, API keys, activities, calendar, wellness, webhooks.

Its addresses begin with `/intervals`. People, clock and pages are shared with the Strava.
"""
