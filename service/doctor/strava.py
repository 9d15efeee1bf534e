"""Checks on Strava's side: its clock, the way to our webhook, the subscription, the athletes that it allows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import requests
from sqlalchemy import func, select

from adductor.jobs import subscribing
from adductor.platforms.base import ErrorKind, PlatformError
from adductor.queue import heartbeats
from adductor.store.models import Connection
from service.doctor import FailedError
from service.doctor.status import Status

# Signed links, tokens and windows go by the clock; a few seconds don't matter, minutes do.
CLOCK_OFF_BY = timedelta(minutes=2)
# Strava's sizes by their limit of calls in a quarter of an hour (Strava, 2026): above these it is by review, and any.
ATHLETES_BY_LIMIT = {200: 1, 400: 10}
# A runner who was turned away longer ago has found another way, or the application has grown.
TURNED_AWAY_MATTERS_FOR = timedelta(days=7)
_TIMEOUT_S = 5.0
_SETTINGS_PAGE = "https://www.strava.com/settings/api"

_COMPARE = "compare STRAVA_CLIENT_ID and STRAVA_CLIENT_SECRET with the application's page at Strava"
# What to do about an error of Strava's; for all others: compare.
DO = {
    ErrorKind.RETRY: "try again in a few minutes; look whether this machine reaches Strava",
    ErrorKind.RATE_LIMITED: "wait for the next quarter of an hour",
    ErrorKind.INACTIVE: "the application's owner needs a paid Strava subscription (since June 2026)",
    ErrorKind.CAP: f"raise the number of athletes at {_SETTINGS_PAGE}",
    ErrorKind.NOT_FOUND: "look at ADDUCTOR_STRAVA_API_URL",
}


def time(status: Status) -> str:
    """Our clock agrees with Strava's."""
    try:
        answer = requests.head(status.here.settings.strava_oauth_url, timeout=_TIMEOUT_S, allow_redirects=False)
        theirs = parsedate_to_datetime(answer.headers["Date"])
    except (requests.RequestException, KeyError, ValueError) as error:
        raise FailedError(
            f"Strava's clock can't be read ({type(error).__name__})", "look whether this machine reaches the internet"
        ) from error
    off = datetime.now(UTC) - theirs.astimezone(UTC)
    if abs(off) > CLOCK_OFF_BY:
        seconds = int(abs(off).total_seconds())
        fast = "ahead of" if off > timedelta(0) else "behind"
        raise FailedError(
            f"this machine's clock is {seconds // 60} min {seconds % 60} s {fast} Strava's", "set it by NTP"
        )
    return "agrees with Strava's to within two minutes"


def callback(status: Status) -> str:
    """The way to our webhook, as far as it can be walked from here."""
    url, problem = status.here.settings.public_url, subscribing.handshake_problem(status.here)
    if problem is None:
        return f"{url} answers the handshake (asked from this machine, not from outside)"
    if "reached" in problem:
        do = "start `adductor web`, and look at ADDUCTOR_PUBLIC_URL, the proxy or the tunnel in front of it"
    else:
        do = "let the proxy pass /webhooks/ on unchanged; web must run with the same secrets as this command"
    raise FailedError(f"{url} {problem}", do)


def subscription(status: Status) -> str:
    """Strava's events come to us, and their subscription is known here."""
    try:
        listed = status.here.subscriptions("strava").list_subscriptions()
    except PlatformError as error:
        raise FailedError(error.message, DO.get(error.kind, _COMPARE)) from error
    if not listed:
        raise FailedError("there is no subscription: Strava sends nothing", "run: adductor strava subscribe")
    (found, *_) = listed
    if found.callback_url != status.here.settings.webhook_url:
        raise FailedError(*_elsewhere(found.callback_url, status.here.settings.public_url))
    if status.subscription is None:
        raise FailedError("it is not known here, so /ops and the alerts miss it", "run: adductor strava subscribe")
    return f"number {found.id} leads here"


def _elsewhere(callback_url: str, public_url: str) -> tuple[str, str]:
    """Meaning and remedy of a subscription for another address, which is shown without its secret path."""
    theirs, ours = (f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, (callback_url, public_url)))
    if theirs == ours:
        return (
            f"it leads to another address of {theirs}: the webhook's key or path is no longer the same",
            "run: adductor strava subscribe",
        )
    return (
        f"it leads to another address ({theirs})",
        "if that was this installation: adductor strava subscribe. If it is another one with the same Strava "
        "application, subscribing takes its events away: give this one an application of its own",
    )


def athletes(status: Status) -> str:
    """The cap leaves room for another athlete. Some refusals are unseen: Strava's page doesn't send those runners back."""
    with status.here.store.read() as session:
        connected, latest = session.execute(
            select(func.count(), func.max(Connection.connected_at)).filter_by(
                state=Connection.CONNECTED, platform="strava"
            )
        ).one()
    more = f"raise the number to 10 at {_SETTINGS_PAGE}; for more than that Strava wants to review the application"
    turned_away = heartbeats.last(status.here, heartbeats.TURNED_AWAY)
    counts_since = max(filter(None, [latest, status.now - TURNED_AWAY_MATTERS_FOR]))
    if turned_away is not None and turned_away > counts_since:
        raise FailedError(f"Strava turned a runner away: {connected} connected, and no more are allowed", more)
    takes = ATHLETES_BY_LIMIT.get(status.windows[0].limit)
    if takes is None or connected > takes:
        return f"{connected} connected"
    if connected == takes:
        return (
            f"{connected} connected, and by its rate limit this application may have no more: the next one is turned away "
            f"by Strava. To change that, {more}"
        )
    return f"{connected} connected; by its rate limit this application may have {takes}"
