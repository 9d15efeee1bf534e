"""OAuth grants of the application: codes, tokens, scopes, revocation."""

from __future__ import annotations

import secrets

from sandbox import errors, events
from sandbox.models import Code, Connection, Token
from sandbox.state import World

# Strava's "Authentication" page.
SCOPES = (
    "read", "read_all", "profile:read_all", "profile:write", "activity:read", "activity:read_all", "activity:write",
)  # fmt: skip
# Strava names no figure; RFC 6749 4.1.2 recommends at most 10 minutes.
_CODE_LIFETIME_S = 600


def _secret() -> str:
    return secrets.token_hex(20)


def check_client(world: World, client_id: object, client_secret: object) -> None:
    """Raises Strava's errors: 400 for an unknown application, 401 for a wrong secret."""
    if str(client_id) != str(world.config.client_id):
        raise errors.bad_request("Application", "client_id")
    given = str(client_secret).encode(errors="surrogatepass")
    if not secrets.compare_digest(given, world.config.client_secret.encode()):
        raise errors.unauthorized("Application", "client_secret")


def cap_reached(world: World, runner_id: int) -> bool:
    """Whether a new connection of this runner exceeds the athlete cap. A connected runner may connect again."""
    cap = world.switches.tier.athletes
    return cap is not None and world.connection(runner_id) is None and world.connected_count() >= cap


def issue_code(world: World, runner_id: int, scopes: list[str]) -> str:
    code = Code(code=_secret(), runner_id=runner_id, scopes=scopes, expires_at=world.clock.now() + _CODE_LIFETIME_S)
    world.save(code)
    return code.code


def redeem_code(world: World, text: str) -> Connection:
    """Exchange a code for a connection. Raises Strava's error for a used, old or made-up code."""
    with world.lock:
        code = world.codes.get(text)
        if code is None or code.expires_at <= world.clock.now():
            raise errors.bad_request("AuthorizationCode", "code")
        world.drop_code(text)
        return connect(world, code.runner_id, code.scopes)


def connect(world: World, runner_id: int, scopes: list[str]) -> Connection:
    """Create or renew a connection with these scopes and a fresh access token."""
    with world.lock:
        old = world.connection(runner_id)
        if old is not None and old.scopes == scopes:
            _renew_if_short(world, old)
            return old
        connection = Connection(runner_id=runner_id, scopes=scopes, since=world.clock.now())
        _new_access_token(world, connection)
        connection.refresh_token = _secret()
        world.save(connection)
        return connection


def refresh(world: World, refresh_token: str) -> Connection:
    """The refresh grant. Raises Strava's error for a dead token: each works until a newer one was given out."""
    with world.lock:
        connection = world.connection(world.token_owner.get(refresh_token, 0))
        if connection is None or connection.refresh_token != refresh_token:
            raise errors.bad_request("RefreshToken", "refresh_token")
        renewed = _renew_if_short(world, connection)
        rotate = world.switches.tokens.rotate
        if rotate == "always" or (renewed and rotate == "when_renewed"):
            connection.refresh_token = _secret()
            world.save(connection)
        return connection


def _renew_if_short(world: World, connection: Connection) -> bool:
    newest = connection.access_tokens[-1]
    if newest.expires_at - world.clock.now() > world.switches.tokens.renew_below_s:
        return False
    _new_access_token(world, connection)
    world.save(connection)
    return True


def _new_access_token(world: World, connection: Connection) -> None:
    now = world.clock.now()
    # The older ones stay good until they expire by themselves.
    connection.access_tokens = [token for token in connection.access_tokens if token.expires_at > now]
    connection.access_tokens.append(Token(token=_secret(), expires_at=int(now) + world.switches.tokens.lifetime_s))


def by_access_token(world: World, token: str) -> Connection:
    """Raises Strava's 401 for a token that is unknown, expired or revoked."""
    connection = world.connection(world.token_owner.get(token, 0))
    if connection is not None:
        now = world.clock.now()
        for known in connection.access_tokens:
            if known.token == token and known.expires_at > now:
                return connection
    raise errors.unauthorized("Athlete", "access_token")


def expire_access_tokens(world: World, runner_id: int) -> None:
    """Expire every access token of the runner now; the refresh token stays valid."""
    with world.lock:
        connection = world.connection(runner_id)
        if connection is not None:
            for token in connection.access_tokens:
                token.expires_at = world.clock.now() - 1
            world.save(connection)


def disconnect(world: World, runner_id: int) -> bool:
    """Revoke the connection: every token ends and the deauthorisation event is sent. False if there is none."""
    with world.lock:
        connection = world.connection(runner_id)
        if connection is None:
            return False
        connection.connected = False
        world.save(connection)
        events.deauthorized(world, connection)
        return True


def holder_of(world: World, token: str) -> Connection | None:
    """The live connection that an access or refresh token belongs to, expired or not."""
    connection = world.connection(world.token_owner.get(token, 0))
    if connection is None:
        return None
    known = {item.token for item in connection.access_tokens} | {connection.refresh_token}
    return connection if token in known else None
