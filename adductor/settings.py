"""The settings: read once from the environment and a ``.env`` beside the process, checked all together.

Names and meanings are fixed, and all in docs/settings.md. A wrong value is reported with what would be right; secrets never.
"""

from __future__ import annotations

import base64
import difflib
import hashlib
import hmac
import io
import os
import re
import secrets
import sys
from collections.abc import Callable, Mapping
from email.utils import parseaddr
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs, urlsplit

import platformdirs
from dotenv import dotenv_values
from dotenv.parser import parse_stream
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError

from adductor import beside_up
from adductor.files import create_once

# The longest callback that Strava takes (Strava: webhook events API).
CALLBACK_URL_MAX_CHARS = 255
# HMAC-SHA256 wants at least its block of entropy; 32 characters of hex are 16 bytes, the least we accept.
SECRET_KEY_MIN_CHARS = 32

_PREFIXES = ("ADDUCTOR_", "STRAVA_", "INTERVALS_")
# Read elsewhere: by `adductor up`, by the processes that it starts, by docker-compose.yml and the Caddyfile.
_READ_ELSEWHERE = frozenset({"ADDUCTOR_SANDBOX_BIND", "ADDUCTOR_READY_FILE", "ADDUCTOR_PORT", "ADDUCTOR_WEB"})
# Kubernetes sets these in every container of a namespace with a service whose name begins with "adductor".
_OF_KUBERNETES = re.compile(r"ADDUCTOR_(\w+_)?(SERVICE_(HOST|PORT\w*)|PORT(_\d+_(TCP|UDP|SCTP)\w*)?)")
_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


class SettingsError(Exception):
    """One or more settings are wrong. ``problems`` holds a line each: the name, what is wrong, what would be right."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def _matches(pattern: str) -> Callable[[str], Any]:
    return re.compile(pattern, re.ASCII).fullmatch


def _is_host_and_port(value: str) -> bool:
    fits = re.fullmatch(r"([a-z0-9._:-]+|\[[0-9a-f:.]+\]):(\d{1,5})", value, re.ASCII | re.IGNORECASE)
    return fits is not None and 0 < int(fits[2]) <= 65535


def _hides_its_password(value: str) -> bool:
    parts = urlsplit(value)
    starttls = parse_qs(parts.query.lower()).get("starttls", ["0"])[-1] in {"1", "true", "yes"}
    return not parts.password or parts.scheme == "smtps" or starttls or parts.hostname in _THIS_MACHINE


def _absolute(path: Path) -> Path:
    expanded = os.path.expanduser(os.path.expandvars(path))  # noqa: PTH111 - Path's own raises RuntimeError without a home folder
    if expanded.startswith("~"):
        raise ValueError("this user has no home folder; name a folder by its whole path")
    if "?" in expanded:
        raise ValueError("a question mark can't stand in the address of the database; name another folder")
    return Path(expanded).absolute()


def _parses(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return bool((parts.hostname or "").encode("idna")) and (parts.port is None or parts.port > 0)
    except ValueError:  # a port above 65535, half an IPv6 address, two dots
        return False


def _is_database(value: str) -> bool:
    """As the library that uses it sees it; imported only where it is set."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(value)
    except (ArgumentError, ValueError):
        return False
    return url.get_backend_name() != "sqlite" or (url.database not in {None, "", ":memory:"} and not url.query)


def _is_redis(value: str) -> bool:
    """As the library that uses it sees it; imported only where it is set."""
    from redis import Redis, RedisError

    try:
        Redis.from_url(value).connection_pool.make_connection()
    except (LookupError, AttributeError, TypeError, ValueError, RedisError):  # an unknown option, a port that is none
        return False
    database = urlsplit(value).path.strip("/")
    return value.startswith("unix:") or not database or database.isdecimal()


def _is_mail_server(value: str) -> bool:
    options = parse_qs(urlsplit(value).query, keep_blank_values=True) if _parses(value) else {"": ["?"]}
    return options.keys() <= {"starttls"} and {*options.get("starttls", [])} <= {"0", "1", "true", "false", "yes", "no"}


def _is_web_address(value: str) -> bool:
    return bool(re.fullmatch(r"(?i:https?)://[^/?#\s]+(/[^?#\s]*)?", value)) and _parses(value)


def _is_watcher(value: str) -> bool:
    return bool(re.fullmatch(r"(?i:https?)://[!-~]+", value)) and _parses(value)


def _at_least(chars: int) -> Callable[[str], bool]:
    return lambda value: len(value) >= chars


def _are_fernet_keys(value: str) -> bool:
    keys = _split(value)
    return bool(keys) and all(re.fullmatch(r"[\w-]{43}=", key, re.ASCII) for key in keys)


def _is_sender(value: str) -> bool:
    return bool(_is_address(parseaddr(value)[1])) and not re.search(r"[\r\n]", value)


def _split(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


_NO_WEB_ADDRESS = "is not a web address; give one like https://coach.example.org"
_is_address = _matches(r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w.-]+")
_are_origins = _matches(r"( *(https://[a-z0-9.-]+|http://(localhost|127\.0\.0\.1))(:\d{1,5})? *(,|$))+")
_is_one_line = _matches(r"[^\x00-\x1f\x7f]{1,200}")
_NOT_ONE_LINE = "is not one line of at most 200 characters"
_NO_DATABASE = (
    "is neither SQLite nor PostgreSQL; give sqlite:////path/to/file.db or postgresql+psycopg://user:password@host/name"
)
_NO_REDIS = "is not a Redis address; give redis://host:6379/0, rediss://... or unix:///path/to.sock"
_GIVE_SMTP = "give smtp://user:password@host:587?starttls=1 or smtps://..., there is no other option"
_FERNET = "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"
_ENCODE = "in a password write @ as %40, / as %2F, # as %23, ? as %3F, % as %25"
_MAKE = "make one with: python -c"
# What a text must be, and what is said otherwise: the first rule that fails for a name. Never the value: it may be secret.
_RULES: tuple[tuple[str, Callable[[str], Any], str], ...] = (
    ("ADDUCTOR_PUBLIC_URL", _is_web_address, _NO_WEB_ADDRESS),
    ("ADDUCTOR_PUBLIC_URL", _matches(r"\w+://[^/@]+/?"), "must have no path and no user: pages begin at the root"),
    ("ADDUCTOR_STRAVA_API_URL", _is_web_address, _NO_WEB_ADDRESS),
    ("ADDUCTOR_STRAVA_OAUTH_URL", _is_web_address, _NO_WEB_ADDRESS),
    ("ADDUCTOR_INTERVALS_API_URL", _is_web_address, _NO_WEB_ADDRESS),
    ("ADDUCTOR_INTERVALS_OAUTH_URL", _is_web_address, _NO_WEB_ADDRESS),
    ("ADDUCTOR_HEARTBEAT_URL", _is_watcher, "is not a web address; give the whole one, with https://"),
    ("ADDUCTOR_OPERATOR", _is_one_line, _NOT_ONE_LINE),
    ("ADDUCTOR_CONTACT", _is_one_line, _NOT_ONE_LINE),
    ("ADDUCTOR_BIND", _is_host_and_port, "is not host:port; give one like 127.0.0.1:8000"),
    (
        "ADDUCTOR_SECRET_KEY",
        _at_least(SECRET_KEY_MIN_CHARS),
        f"needs {SECRET_KEY_MIN_CHARS} characters; {_MAKE} 'import secrets; print(secrets.token_hex(32))'",
    ),
    (
        "ADDUCTOR_OPS_TOKEN",
        _at_least(20),
        f"needs 20 characters; {_MAKE} 'import secrets; print(secrets.token_urlsafe(24))'",
    ),
    ("ADDUCTOR_TOKEN_KEYS", _are_fernet_keys, f"holds something that is not a Fernet key; {_MAKE} '{_FERNET}'"),
    ("ADDUCTOR_DATABASE_URL", _matches(r"(sqlite:///|postgresql\+psycopg://).*"), _NO_DATABASE),
    ("ADDUCTOR_DATABASE_URL", _is_database, f"can't be read, or names no database; {_ENCODE}"),
    ("ADDUCTOR_REDIS_URL", _matches(r"(rediss?://|unix://.).*"), _NO_REDIS),
    # Celery wants it in the path.
    (
        "ADDUCTOR_REDIS_URL",
        _matches(r"unix://.*|(?!.*[?&]db=).*"),
        "names its database as ?db=; give the path: redis://host:6379/3",
    ),
    ("ADDUCTOR_REDIS_URL", _is_redis, f"can't be read; give redis://:password@host:6379/0; {_ENCODE}"),
    ("ADDUCTOR_SMTP_URL", _matches(r"smtps?://([^/@]*@)?[^/:@?].*"), f"is not a mail server; {_GIVE_SMTP}"),
    ("ADDUCTOR_SMTP_URL", _is_mail_server, f"can't be read; {_GIVE_SMTP}; {_ENCODE}"),
    ("ADDUCTOR_SMTP_URL", _hides_its_password, "would show its password; add ?starttls=1, or use smtps://"),
    ("ADDUCTOR_MAIL_FROM", _is_sender, "is not a mail address; give one like Adductor Coach <coach@example.org>"),
    ("ADDUCTOR_EHLO", _matches(r"[a-zA-Z0-9.-]+"), "is not a host name; give one like coach.example.org"),
    ("ADDUCTOR_PUSH_SERVICES", _are_origins, "holds something that is not the address of a push service"),
    ("ADDUCTOR_WEBHOOK_KEY", _matches(r"[A-Za-z0-9_-]{16,}"), "must be at least 16 letters, digits, - or _"),
    ("STRAVA_CLIENT_ID", _matches(r"[0-9]+"), "is not a number; copy it from strava.com/settings/api"),
    ("INTERVALS_CLIENT_ID", _matches(r"[0-9]+"), "is not a number; copy it from Manage App at intervals.icu"),
    (
        "INTERVALS_WEBHOOK_SECRET",
        lambda text: _split(text),
        "holds no secret; copy it from Manage App at intervals.icu",
    ),
)
Address = Annotated[str, AfterValidator(lambda value: value.rstrip("/"))]
Threads = Annotated[int, Field(ge=1, le=256)]


def _name(env: str) -> Any:
    return Field(validation_alias=env)


# Good for mails that stay on this machine; a mail server elsewhere refuses it.
_MAIL_FROM = "Adductor Coach <coach@localhost>"


class Settings(BaseModel):
    """The operator's choices. All of them: docs/settings.md."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    env: Annotated[Literal["development", "production"], _name("ADDUCTOR_ENV")] = "development"
    data_dir: Annotated[Path, AfterValidator(_absolute)] = Field(
        default=platformdirs.user_data_path("adductor-coach", appauthor=False),
        validate_default=True,
        validation_alias="ADDUCTOR_DATA_DIR",
    )
    public_url: Annotated[Address, _name("ADDUCTOR_PUBLIC_URL")] = "http://127.0.0.1:8000"
    bind: Annotated[str, _name("ADDUCTOR_BIND")] = "127.0.0.1:8000"
    secret_key: Annotated[SecretStr | None, _name("ADDUCTOR_SECRET_KEY")] = None
    token_keys: Annotated[SecretStr | None, _name("ADDUCTOR_TOKEN_KEYS")] = None
    database_url: Annotated[SecretStr | None, _name("ADDUCTOR_DATABASE_URL")] = None
    redis_url: Annotated[SecretStr | None, _name("ADDUCTOR_REDIS_URL")] = None
    smtp_url: Annotated[SecretStr | None, _name("ADDUCTOR_SMTP_URL")] = None
    mail_from: Annotated[str, _name("ADDUCTOR_MAIL_FROM")] = _MAIL_FROM
    ehlo: Annotated[str | None, _name("ADDUCTOR_EHLO")] = None
    # Who runs this, and how to reach them: an address, a page.
    operator: Annotated[str | None, _name("ADDUCTOR_OPERATOR")] = None
    contact: Annotated[str | None, _name("ADDUCTOR_CONTACT")] = None
    weekly_mail: Annotated[Literal["on", "off"], _name("ADDUCTOR_WEEKLY_MAIL")] = "off"
    # Origins of push services that count beside the known ones; they may be in the installation's own network.
    push_services: Annotated[str | None, _name("ADDUCTOR_PUSH_SERVICES")] = None
    # Asked for while all parts work; holds a secret.
    heartbeat_url: Annotated[SecretStr | None, _name("ADDUCTOR_HEARTBEAT_URL")] = None
    strava_client_id: Annotated[str | None, _name("STRAVA_CLIENT_ID")] = None
    strava_client_secret: Annotated[SecretStr | None, _name("STRAVA_CLIENT_SECRET")] = None
    strava_api_url: Annotated[Address, _name("ADDUCTOR_STRAVA_API_URL")] = "https://www.strava.com/api/v3"
    strava_oauth_url: Annotated[Address, _name("ADDUCTOR_STRAVA_OAUTH_URL")] = "https://www.strava.com/oauth"
    strava_verify_token: Annotated[SecretStr | None, _name("ADDUCTOR_STRAVA_VERIFY_TOKEN")] = None
    intervals_client_id: Annotated[str | None, _name("INTERVALS_CLIENT_ID")] = None
    intervals_client_secret: Annotated[SecretStr | None, _name("INTERVALS_CLIENT_SECRET")] = None
    # In the body of every webhook; the old and the new one, comma-separated, while it is rotated.
    intervals_webhook_secret: Annotated[SecretStr | None, _name("INTERVALS_WEBHOOK_SECRET")] = None
    intervals_api_keys: Annotated[Literal["on", "off"], _name("INTERVALS_API_KEYS")] = "on"
    intervals_api_url: Annotated[Address, _name("ADDUCTOR_INTERVALS_API_URL")] = "https://intervals.icu/api/v1"
    intervals_oauth_url: Annotated[Address, _name("ADDUCTOR_INTERVALS_OAUTH_URL")] = "https://intervals.icu"
    # Shorter ones bring a key beyond 300 polls a day.
    intervals_poll_s: Annotated[float, Field(ge=60, le=86_400), _name("ADDUCTOR_INTERVALS_POLL_S")] = 300
    webhook_key_setting: Annotated[SecretStr | None, _name("ADDUCTOR_WEBHOOK_KEY")] = None
    note_delay_s: Annotated[float, Field(ge=0, le=86_400), _name("ADDUCTOR_NOTE_DELAY_S")] = 0
    # How long a "no" of the coach keeps its reason.
    keep_reasons_days: Annotated[int, Field(ge=30, le=36_500), _name("ADDUCTOR_KEEP_REASONS_DAYS")] = 60
    clock_speed: Annotated[float, Field(gt=0, le=1_000_000), _name("ADDUCTOR_CLOCK_SPEED")] = 1
    log: Annotated[Literal["text", "json"] | None, _name("ADDUCTOR_LOG")] = None
    metrics_token: Annotated[SecretStr | None, _name("ADDUCTOR_METRICS_TOKEN")] = None
    # Opens the operator's page /ops, which isn't there without it.
    ops_token: Annotated[SecretStr | None, _name("ADDUCTOR_OPS_TOKEN")] = None
    # How many reverse proxies in front may set X-Forwarded-*; 0 trusts none.
    trusted_proxies: Annotated[int, Field(ge=0, le=5), _name("ADDUCTOR_TRUSTED_PROXIES")] = 0
    # How many requests and how many events are handled at the same time by one process each: see docs/operate.md.
    web_threads: Annotated[Threads, _name("ADDUCTOR_WEB_THREADS")] = 8
    web_processes: Annotated[Threads | None, _name("ADDUCTOR_WEB_PROCESSES")] = None
    worker_threads: Annotated[Threads, _name("ADDUCTOR_WORKER_THREADS")] = 8

    @cached_property
    def secret(self) -> str:
        """The signing secret: as set, or made once and kept in the data folder (readable by its owner only).

        Raises SettingsError for a file that can't be read or holds none: an empty key would sign what all can sign.
        """
        if self.secret_key is not None:
            return self.secret_key.get_secret_value()
        file = self.made_data_dir() / "secret-key"
        try:
            secret = create_once(file, secrets.token_hex(32)).strip()
        except (OSError, UnicodeDecodeError) as error:
            problem = getattr(error, "strerror", None) or "no text"
            raise SettingsError([f"ADDUCTOR_SECRET_KEY: can't use {file} ({problem}); give it to this user"]) from None
        if len(secret) < SECRET_KEY_MIN_CHARS:
            raise SettingsError([f"ADDUCTOR_SECRET_KEY: {file} holds no key; restore it from the backup"])
        return secret

    def made_data_dir(self) -> Path:
        """The data folder, which exists now. Raises SettingsError when it can't be made."""
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not os.access(self.data_dir, os.W_OK | os.X_OK):
                raise PermissionError(13, "Permission denied")
        except OSError as error:
            problem = f"can't write into {self.data_dir} ({error.strerror}); name a folder that this user owns"
            raise SettingsError([f"ADDUCTOR_DATA_DIR: {problem}"]) from None
        return self.data_dir

    def derived(self, purpose: str) -> str:
        """A secret of one purpose, derived from the signing secret: 64 hex characters."""
        return hmac.new(self.secret.encode(), purpose.encode(), hashlib.sha256).hexdigest()

    @property
    def fernet_keys(self) -> list[str]:
        """The keys of the tokens at rest, newest first.

        The derived one comes last also behind keys that were set: it opens what was encrypted before they were.
        """
        own = _split(self.token_keys.get_secret_value()) if self.token_keys is not None else []
        return [*own, base64.urlsafe_b64encode(bytes.fromhex(self.derived("tokens at rest"))).decode()]

    @cached_property
    def webhook_key(self) -> str:
        """The secret path segment of the webhook."""
        return self._set_or_derived(self.webhook_key_setting, "webhook path")

    @property
    def intervals_secrets(self) -> list[str]:
        """The secrets that an intervals.icu webhook may know; none: no webhook is taken."""
        return _split(self.intervals_webhook_secret.get_secret_value()) if self.intervals_webhook_secret else []

    @property
    def verify_token(self) -> str:
        """The token that Strava repeats in the handshake."""
        return self._set_or_derived(self.strava_verify_token, "strava verify token")

    def _set_or_derived(self, given: SecretStr | None, purpose: str) -> str:
        return given.get_secret_value() if given is not None else self.derived(purpose)[:32]

    @property
    def webhook_url(self) -> str:
        """The callback that Strava is told; its last segment is a secret."""
        return f"{self.public_url}/webhooks/strava/{self.webhook_key}"

    @property
    def database(self) -> str:
        """The SQLAlchemy URL, with its password: never print it."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.data_dir / 'adductor.db'}"

    @property
    def redis(self) -> str | None:
        """The Redis URL, with its password: never print it. None: `adductor up` starts its own."""
        return self.redis_url.get_secret_value() if self.redis_url is not None else None

    @property
    def uses_sandbox(self) -> bool:
        """No Strava application is set, so `adductor up` brings its own Strava."""
        return self.strava_client_id is None

    @property
    def uses_sandbox_intervals(self) -> bool:
        """`adductor up` brings its own intervals.icu too: nothing is set about a real one."""
        return self.uses_sandbox and not self.model_fields_set & {"intervals_client_id", "intervals_api_url"}

    @property
    def sends_mail(self) -> bool:
        """Whether mails reach a runner: by a mail server, or by the mailbox of the sandbox that `adductor up` brought."""
        return self.smtp_url is not None or self.strava_client_secret is None or self.beside_sandbox

    @property
    def beside_sandbox(self) -> bool:
        """Strava is the made-up one that `adductor up` brought: mails reach its mailbox, and it lives in the same time."""
        secret = self.strava_client_secret
        return secret is not None and secret.get_secret_value() == self.derived("sandbox application")

    @property
    def shares_clock(self) -> bool:
        """Time is not real: faster, or moved on by the buttons of the sandbox, beside which no platform is real."""
        secret = self.intervals_client_secret
        all_made_up = secret is None or secret.get_secret_value() == self.derived("sandbox application")
        return self.clock_speed != 1 or (self.beside_sandbox and all_made_up)

    @property
    def run_by(self) -> str:
        """Who runs this, and how to reach them, for footers; empty where neither is set."""
        return ", ".join(filter(None, [self.operator, self.contact]))

    @property
    def contact_link(self) -> str | None:
        """The contact as the address of a link; None for words."""
        contact = self.contact or ""
        return f"mailto:{contact}" if _is_address(contact) else contact if _is_web_address(contact) else None

    @property
    def push_contact(self) -> str:
        """Whom a push service writes to about our messages: the operator's address, or that of our mails."""
        contact = self.contact or ""
        return f"mailto:{contact if _is_address(contact) else parseaddr(self.mail_from)[1]}"

    @property
    def mail_dir(self) -> Path:
        """Where mails are kept when no mail server is set."""
        return self.data_dir / "mail"

    @property
    def mail_greeting(self) -> str | None:
        """The name given to mail servers; None where there is no whole one: the socket's address in brackets then."""
        host = urlsplit(self.public_url).hostname or ""
        return self.ehlo or (host if "." in host and host.strip("0123456789.") else None)

    @property
    def clock_file(self) -> Path:
        """The clock that all processes share with the sandbox; only used with `shares_clock`."""
        return self.data_dir / "clock.json"

    @property
    def log_format(self) -> Literal["text", "json"]:
        return self.log or ("text" if sys.stderr.isatty() else "json")


_KNOWN = [str(field.validation_alias) for field in Settings.model_fields.values()]


def load(*, _env_file: str | None = ".env", **overrides: Any) -> Settings:
    """The settings of this process, or of one with this environment. Raises SettingsError: all that is wrong, at once."""
    problems: list[str] = []
    given = {**_read_file(_env_file, problems), **_set_ones(os.environ), **_set_ones(overrides)}
    values = {name: value for name, value in given.items() if name.startswith(_PREFIXES)}
    values |= _read_secret_files(values, problems)
    bind = str(values.get("ADDUCTOR_BIND", ""))
    on_loopback = bind.startswith(("127.0.0.1:", "localhost:")) and _is_host_and_port(bind)
    if "ADDUCTOR_PUBLIC_URL" not in values and on_loopback:
        # Only this machine reaches such an address: it is its own public one.
        values["ADDUCTOR_PUBLIC_URL"] = f"http://{bind}"
    problems += [*_wrong_texts(values), *_wrong_combinations(values), *_unknown_names(given)]
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        wrong = error.errors(include_input=False)
        problems += [f"{each['loc'][0]}: {each['msg'].removeprefix('Value error, ')}" for each in wrong]
    if problems:
        raise SettingsError(problems)
    return settings


def load_beside_up() -> Settings:
    """The settings of a command beside `adductor up`, whose own broker and Strava count as set. Raises SettingsError."""
    settings = load()
    for name, value in beside_up.read(settings.data_dir).items():
        os.environ.setdefault(name, value)
    return load()


def _set_ones(environment: Mapping[str, Any]) -> dict[str, Any]:
    """An environment without its empty values, which count as unset."""
    return {name: value for name, value in environment.items() if value}


def _read_file(path: str | None, problems: list[str]) -> dict[str, Any]:
    try:
        text = Path(path).read_text("utf-8") if path is not None and Path(path).is_file() else ""
    except UnicodeDecodeError:
        problems.append(f"{path}: is not UTF-8; save it in that encoding")
        return {}
    except OSError as error:
        problems.append(f"{path}: can't be read ({error.strerror})")
        return {}
    lines = parse_stream(io.StringIO(text))
    problems += [f"{path}: line {each.original.line} is not NAME=value" for each in lines if each.error]
    return _set_ones(dotenv_values(stream=io.StringIO(text)))


def _read_secret_files(values: Mapping[str, Any], problems: list[str]) -> dict[str, Any]:
    """``NAME_FILE=/run/secrets/x`` gives NAME the contents of that file, as container platforms hand out secrets."""
    found = {}
    for name in _KNOWN:
        path = values.get(f"{name}_FILE")
        if path is None or name in values:
            continue
        try:
            found[name] = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
            problems.append(f"{name}_FILE: can't read {path} ({reason}); name a readable file")
    return _set_ones(found)


def _wrong_texts(values: Mapping[str, Any]) -> list[str]:
    said: dict[str, str] = {}
    for name, fits, otherwise in _RULES:
        if name in values and name not in said and not fits(str(values[name])):
            said[name] = otherwise
    for name in _KNOWN:
        if re.search(r"[\x00-\x1f\x7f]", str(values.get(name, ""))):
            said.setdefault(name, "holds a line end or tab; does its file have Windows line ends?")
    return [f"{name}: {otherwise}" for name, otherwise in said.items()]


def _unknown_names(values: Mapping[str, Any]) -> list[str]:
    """Misspelt names, prefixes included. Most names are other programs': there only a very near match counts."""
    problems = []
    known = [*_KNOWN, *(f"{name}_FILE" for name in _KNOWN)]
    for name in sorted(set(values) - set(known) - _READ_ELSEWHERE):
        if _OF_KUBERNETES.fullmatch(name):
            continue
        cutoff = 0.8 if name.startswith("ADDUCTOR_") else 0.9
        near = difflib.get_close_matches(name.upper().replace("-", "_"), known, n=1, cutoff=cutoff)
        if near:
            problems.append(f"{name}: there is no such setting; did you mean {near[0]}?")
        elif name.startswith("ADDUCTOR_"):
            problems.append(f"{name}: there is no such setting; docs/settings.md lists them")
    return problems


def _wrong_combinations(values: Mapping[str, Any]) -> list[str]:
    """Values that are right each, and wrong together. Names are those of the environment."""
    problems = []
    for platform, otherwise in (("INTERVALS", "to have no application there"), ("STRAVA", "for the sandbox")):
        pair = (f"{platform}_CLIENT_ID", f"{platform}_CLIENT_SECRET")
        missing = [name for name in pair if not values.get(name)]
        if len(missing) == 1:
            problems.append(f"{missing[0]}: missing; set both {pair[0]} and {pair[1]}, or neither {otherwise}")
    production = values.get("ADDUCTOR_ENV") == "production"
    if production and not values.get("ADDUCTOR_SECRET_KEY"):
        problems.append("ADDUCTOR_SECRET_KEY: missing; it is required when ADDUCTOR_ENV=production")
    real_strava = not missing and "strava.com" in str(values.get("ADDUCTOR_STRAVA_API_URL", "strava.com"))
    if str(values.get("ADDUCTOR_CLOCK_SPEED", "1")) not in {"1", "1.0"} and (production or real_strava):
        problems.append("ADDUCTOR_CLOCK_SPEED: must be 1 outside the sandbox and tests")
    smtp_url = str(values.get("ADDUCTOR_SMTP_URL", ""))
    server = urlsplit(smtp_url).hostname if _parses(smtp_url) else None
    sender = parseaddr(str(values.get("ADDUCTOR_MAIL_FROM", _MAIL_FROM)))[1]
    if server and server not in _THIS_MACHINE and sender.endswith("@localhost"):
        problems.append("ADDUCTOR_MAIL_FROM: mail servers refuse coach@localhost; give an address of your own domain")
    to = str(values.get("ADDUCTOR_CONTACT", ""))
    if values.get("ADDUCTOR_WEEKLY_MAIL") == "on" and not _is_address(to):
        problems.append(
            "ADDUCTOR_WEEKLY_MAIL: goes to ADDUCTOR_CONTACT, which is no mail address; set one like a@b.org"
        )
    # A key that is still to be derived has 32 characters.
    key = values.get("ADDUCTOR_WEBHOOK_KEY", "x" * 32)
    if len(f"{values.get('ADDUCTOR_PUBLIC_URL', '')}/webhooks/strava/{key}") > CALLBACK_URL_MAX_CHARS:
        problems.append(f"ADDUCTOR_PUBLIC_URL: too long; a callback may have {CALLBACK_URL_MAX_CHARS} characters")
    return problems
