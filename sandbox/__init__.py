"""A Strava on this machine: OAuth, API, webhooks, faults, a clock that can run faster, and pages for people.

It imports nothing of the product: to the product it is another company's server.
"""
