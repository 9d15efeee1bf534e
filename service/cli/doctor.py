"""`adductor doctor`: one line a check, and what to do about each failure."""

from __future__ import annotations

import hmac
import secrets
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import click
import redis
import requests
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from adductor import logs
from adductor.channels.postbox import MailError, Postbox
from adductor.installation import Installation
from adductor.pipeline import heartbeats, resealing
from adductor.platforms.base import ErrorKind, PlatformError
from adductor.settings import load_beside_up
from adductor.store import migrate
from adductor.store.models import Athlete, InboxEvent, Subscription

# Signed links, tokens and windows go by the clock; a few seconds don't matter, minutes do.
CLOCK_OFF_BY = timedelta(minutes=2)
SEEN_WITHIN = timedelta(seconds=60)
# Less than this much of a window's budget left is worth a word.
BUDGET_LOW_SHARE = 0.1
_TIMEOUT_S = 5.0


class FailedError(Exception):
    """A check failed: what was seen, and what to do about it."""

    def __init__(self, seen: str, do: str) -> None:
        super().__init__(seen)
        self.seen = seen
        self.do = do


@dataclass(frozen=True, slots=True)
class Check:
    """A check by its name; ``look`` answers what is well, or raises FailedError."""

    name: str
    look: Callable[[Installation], str]


@click.command()
def doctor() -> None:
    """Check everything that this installation needs, a line each, and say what to do about what fails.

    Exit code 1 if anything failed.

    \b
    Example: adductor doctor
    """
    settings = load_beside_up()
    logs.configure(settings.log_format, "doctor")
    logs.only_errors()
    installation = Installation(settings)
    failed = 0
    click.echo("ok    settings      all of them can be used")
    for check in _checks(installation):
        try:
            click.echo(f"ok    {check.name:<13} {_look(check, installation)}")
        except FailedError as failure:
            failed += 1
            click.echo(f"FAIL  {check.name:<13} {failure.seen}\n      {'':<13} -> {failure.do}")
    if failed:
        click.echo(f"\n{failed} of {len(CHECKS) + 1} failed", err=True)
        sys.exit(1)


def _checks(installation: Installation) -> Iterator[Check]:
    """In the order in which one failure explains the next. Without an application there is no Strava to ask."""
    for check in CHECKS:
        if check.name in _NEED_STRAVA and installation.settings.uses_sandbox:
            yield Check(check.name, _no_application)
        else:
            yield check


def _look(check: Check, installation: Installation) -> str:
    try:
        return check.look(installation)
    except SQLAlchemyError as error:
        raise FailedError("can't be looked at without the database", "mend the database first") from error


def _no_application(_: Installation) -> str:
    raise FailedError(
        "no Strava application is set",
        "set STRAVA_CLIENT_ID and STRAVA_CLIENT_SECRET, or use `adductor up` with its sandbox",
    )


def _database(installation: Installation) -> str:
    try:
        current, wanted = migrate.current(installation.store), migrate.latest()
    except SQLAlchemyError as error:
        raise FailedError(
            f"does not answer ({type(error).__name__})", "start it, or mend ADDUCTOR_DATABASE_URL"
        ) from error
    if current != wanted:
        raise FailedError(f"at revision {current or 'none'}, wanted {wanted}", "run: adductor db upgrade")
    return f"answers, at revision {current}"


def _broker(installation: Installation) -> str:
    if installation.redis is None:
        raise FailedError(
            "no ADDUCTOR_REDIS_URL is set", "set it; `adductor up` brings its own and sets it for its parts"
        )
    try:
        installation.redis.ping()
    except redis.RedisError as error:
        raise FailedError(
            f"does not answer ({type(error).__name__})",
            "start it, or mend ADDUCTOR_REDIS_URL; events are stored meanwhile",
        ) from error
    return "answers"


def _at_work(installation: Installation) -> str:
    seen = heartbeats.last(installation, "clock")
    if seen is None:
        raise FailedError("no sweep was ever seen", "start `adductor beat` and `adductor worker`")
    ago = installation.clock.real_now() - seen
    if ago > SEEN_WITHIN:
        raise FailedError(
            f"the last sweep was {int(ago.total_seconds())} s ago",
            "look whether `adductor beat` and at least one `adductor worker` run, and reach the broker",
        )
    return f"the last sweep was {max(int(ago.total_seconds()), 0)} s ago"


def _backlog(installation: Installation) -> str:
    with installation.store.read() as session:
        failed = session.scalar(select(func.count()).where(InboxEvent.state == "failed")) or 0
        waiting = session.scalar(select(func.count()).where(InboxEvent.state.in_(("waiting", "claimed")))) or 0
    if failed:
        raise FailedError(f"{failed} given up, {waiting} waiting", "see why and try again: adductor replay --failed")
    return f"{waiting} waiting, none given up"


def _time(installation: Installation) -> str:
    try:
        answer = requests.head(installation.settings.strava_oauth_url, timeout=_TIMEOUT_S, allow_redirects=False)
        theirs = parsedate_to_datetime(answer.headers["Date"])
    except (requests.RequestException, KeyError, ValueError) as error:
        raise FailedError(
            f"Strava's clock can't be read ({type(error).__name__})", "look whether this machine reaches the internet"
        ) from error
    off = abs(datetime.now(UTC) - theirs.astimezone(UTC))
    if off > CLOCK_OFF_BY:
        raise FailedError(f"this machine's clock is off by {int(off.total_seconds())} s", "set it by NTP")
    return "agrees with Strava's to within two minutes"


def _callback(installation: Installation) -> str:
    settings = installation.settings
    challenge = secrets.token_hex(8)
    asked = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": settings.verify_token}
    try:
        answer = requests.get(settings.webhook_url, params=asked, timeout=_TIMEOUT_S, allow_redirects=False)
    except requests.RequestException as error:
        raise FailedError(
            f"{settings.public_url} can't be reached from here ({type(error).__name__})",
            "start `adductor web`, and look at ADDUCTOR_PUBLIC_URL, the proxy or the tunnel in front of it",
        ) from error
    try:
        said = str(answer.json().get("hub.challenge", ""))
    except (ValueError, AttributeError):
        said = ""
    if answer.status_code != 200 or not hmac.compare_digest(said.encode(), challenge.encode()):
        raise FailedError(
            f"{settings.public_url} answers {answer.status_code} instead of the handshake",
            "let the proxy pass /webhooks/ on unchanged; web must run with the same secrets as this command",
        )
    return f"{settings.public_url} answers the handshake (asked from this machine, not from outside)"


def _subscription(installation: Installation) -> str:
    try:
        standing = installation.strava.list_subscriptions()
    except PlatformError as error:
        raise FailedError(error.message, _DO[error.kind]) from error
    if not standing:
        raise FailedError("there is none: Strava sends nothing", "run: adductor strava subscribe")
    (subscription, *_) = standing
    if subscription.callback_url != installation.settings.webhook_url:
        host = subscription.callback_url.split("/webhooks/")[0]
        raise FailedError(f"it leads to another address ({host})", "run: adductor strava subscribe")
    with installation.store.read() as session:
        known = session.get(Subscription, "strava")
    if known is None or known.subscription_id != subscription.id:
        raise FailedError("its id is not known here, so events count as foreign", "run: adductor strava subscribe")
    return f"number {subscription.id} leads here"


def _budget(installation: Installation) -> str:
    state = installation.budget.state()
    read_left = state.limits.read_quarter - state.used.read_quarter
    day_left = state.limits.read_day - state.used.read_day
    left = f"{read_left} reads left this quarter of an hour, {day_left} today"
    if read_left < BUDGET_LOW_SHARE * state.limits.read_quarter or day_left < BUDGET_LOW_SHARE * state.limits.read_day:
        raise FailedError(left, "nothing is lost, notes come later; ask Strava for a higher limit if this is usual")
    return left


def _runners(installation: Installation) -> str:
    connected = Athlete.status == "connected"
    with installation.store.read() as session:
        count = session.scalar(select(func.count()).where(connected)) or 0
        cannot = session.scalar(select(func.count()).where(connected, ~Athlete.scopes.contains("activity:write"))) or 0
    if cannot:
        raise FailedError(
            f"{cannot} of {count} did not allow us to write",
            "their routines go by mail; connecting again lets them tick the box",
        )
    return f"{count} connected, all with the scopes that are needed"


def _keys(installation: Installation) -> str:
    stand = resealing.standing(installation)
    if stand.unreadable:
        raise FailedError(
            f"{stand.unreadable} runners' tokens open with none of the keys that are set",
            "put the key that is missing back behind the new one in ADDUCTOR_TOKEN_KEYS, or let them connect again",
        )
    if stand.older:
        return f"{stand.older} tokens still need an older key; within the hour, or with `adductor db reseal`, none does"
    return f"{stand.newest} tokens, all under the newest key"


def _mail(installation: Installation) -> str:
    settings = installation.settings
    if settings.smtp_url is None:
        return "no ADDUCTOR_SMTP_URL: mails are kept in the data folder"
    try:
        Postbox(settings.smtp_url.get_secret_value(), settings.mail_dir).check()
    except MailError as error:
        raise FailedError(str(error), "mend ADDUCTOR_SMTP_URL, or ask the mail server's operator") from error
    return "the mail server takes our connection"


_DO = {
    ErrorKind.RETRY: "try again in a few minutes; look whether this machine reaches Strava",
    ErrorKind.RATE_LIMITED: "wait for the next quarter of an hour",
    ErrorKind.INACTIVE: "the application's owner needs a paid Strava subscription (since June 2026)",
    ErrorKind.CAP: "ask Strava for more athletes in the application's settings",
    ErrorKind.MISCONFIGURED: "compare STRAVA_CLIENT_ID and STRAVA_CLIENT_SECRET with the application's page",
    ErrorKind.REFUSED: "compare the settings with the application's page at Strava",
    ErrorKind.REVOKED: "compare STRAVA_CLIENT_ID and STRAVA_CLIENT_SECRET with the application's page",
    ErrorKind.NOT_FOUND: "look at ADDUCTOR_STRAVA_API_URL",
    ErrorKind.SCOPE_MISSING: "compare the settings with the application's page at Strava",
}
_NEED_STRAVA = frozenset({"time", "subscription"})
CHECKS = (
    Check("database", _database),
    Check("broker", _broker),
    Check("clock, worker", _at_work),
    Check("events", _backlog),
    Check("time", _time),
    Check("callback", _callback),
    Check("subscription", _subscription),
    Check("rate budget", _budget),
    Check("runners", _runners),
    Check("token keys", _keys),
    Check("mail", _mail),
)
