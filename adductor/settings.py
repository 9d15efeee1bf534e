"""The settings: read once from the environment and a ``.env`` beside the process, checked all together.

Names and meanings are fixed, and all in docs/settings.md. A wrong value is reported with what would be right; secrets never.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import hmac
import json
import os
import re
import secrets
import sys
from email.utils import parseaddr
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import platformdirs
from pydantic import (
    Field,
    ModelWrapValidatorHandler,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

# In the data folder: held as long as `adductor up` runs there, and what it brought itself.
UP_LOCK = "up.lock"
UP_BROUGHT = "up.json"
_STARTTLS = re.compile(r"(^|&)starttls=(1|true|yes)(&|$)", re.IGNORECASE)
_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})
# The longest callback that Strava takes (Strava: webhook events API).
CALLBACK_URL_MAX_CHARS = 255
# HMAC-SHA256 wants at least its block of entropy; 32 characters of hex are 16 bytes, the least we accept.
SECRET_KEY_MIN_CHARS = 32
# Typed into a form that anybody can open; 20 characters of a password manager are beyond guessing.
OPS_TOKEN_MIN_CHARS = 20


class SettingsError(Exception):
    """One or more settings are wrong. ``problems`` holds a line each: the name, what is wrong, what would be right."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class _FileSecrets(EnvSettingsSource):
    """``NAME_FILE=/run/secrets/x`` gives NAME the contents of that file, as container platforms hand out secrets."""

    def __call__(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for field_name, field in self.settings_cls.model_fields.items():
            env_name = str(field.validation_alias or field_name)
            path = os.environ.get(f"{env_name}_FILE")
            if path and env_name not in os.environ:
                try:
                    value = Path(path).read_text(encoding="utf-8").strip()
                except OSError as error:
                    raise SettingsError(
                        [f"{env_name}_FILE: can't read {path} ({error.strerror}); name a readable file"]
                    ) from error
                if value:  # an empty one says as little as an empty variable
                    found[env_name] = value
        return found


def _name(env: str) -> Any:
    return Field(validation_alias=env)


class Settings(BaseSettings):
    """What the person who runs this may choose. All of them: docs/settings.md."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", extra="ignore", frozen=True, env_ignore_empty=True
    )

    env: Annotated[Literal["development", "production"], _name("ADDUCTOR_ENV")] = "development"
    data_dir: Path = Field(
        default_factory=lambda: Path(platformdirs.user_data_dir("adductor-coach", appauthor=False)),
        validation_alias="ADDUCTOR_DATA_DIR",
    )
    public_url: Annotated[str, _name("ADDUCTOR_PUBLIC_URL")] = "http://127.0.0.1:8000"
    bind: Annotated[str, _name("ADDUCTOR_BIND")] = "127.0.0.1:8000"
    secret_key: Annotated[SecretStr | None, _name("ADDUCTOR_SECRET_KEY")] = None
    token_keys: Annotated[SecretStr | None, _name("ADDUCTOR_TOKEN_KEYS")] = None
    database_url: Annotated[SecretStr | None, _name("ADDUCTOR_DATABASE_URL")] = None
    redis_url: Annotated[SecretStr | None, _name("ADDUCTOR_REDIS_URL")] = None
    smtp_url: Annotated[SecretStr | None, _name("ADDUCTOR_SMTP_URL")] = None
    mail_from: Annotated[str, _name("ADDUCTOR_MAIL_FROM")] = "Adductor Coach <coach@localhost>"
    strava_client_id: Annotated[str | None, _name("STRAVA_CLIENT_ID")] = None
    strava_client_secret: Annotated[SecretStr | None, _name("STRAVA_CLIENT_SECRET")] = None
    strava_api_url: Annotated[str, _name("ADDUCTOR_STRAVA_API_URL")] = "https://www.strava.com/api/v3"
    strava_oauth_url: Annotated[str, _name("ADDUCTOR_STRAVA_OAUTH_URL")] = "https://www.strava.com/oauth"
    strava_verify_token: Annotated[SecretStr | None, _name("ADDUCTOR_STRAVA_VERIFY_TOKEN")] = None
    webhook_key_setting: Annotated[SecretStr | None, _name("ADDUCTOR_WEBHOOK_KEY")] = None
    note_delay_s: Annotated[float, _name("ADDUCTOR_NOTE_DELAY_S")] = 0
    clock_speed: Annotated[float, _name("ADDUCTOR_CLOCK_SPEED")] = 1
    log: Annotated[Literal["text", "json"] | None, _name("ADDUCTOR_LOG")] = None
    metrics_token: Annotated[SecretStr | None, _name("ADDUCTOR_METRICS_TOKEN")] = None
    # Opens the operator's page /ops, which isn't there without it.
    ops_token: Annotated[SecretStr | None, _name("ADDUCTOR_OPS_TOKEN")] = None
    # How many reverse proxies in front may set X-Forwarded-*; 0 trusts none.
    trusted_proxies: Annotated[int, _name("ADDUCTOR_TRUSTED_PROXIES")] = 0
    # How many requests and how many events are handled at the same time by one process each: see docs/operate.md.
    web_threads: Annotated[int, _name("ADDUCTOR_WEB_THREADS")] = 8
    web_processes: Annotated[int | None, _name("ADDUCTOR_WEB_PROCESSES")] = None
    worker_threads: Annotated[int, _name("ADDUCTOR_WORKER_THREADS")] = 8

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, _FileSecrets(settings_cls), dotenv_settings

    @field_validator("public_url", "strava_api_url", "strava_oauth_url")
    @classmethod
    def _an_http_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("is not a web address; give one like https://coach.example.org")
        return value.rstrip("/")

    @field_validator("bind")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not port.isdigit() or not 0 <= int(port) <= 65535:
            raise ValueError("is not host:port; give one like 127.0.0.1:8000")
        return value

    @field_validator("secret_key")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < SECRET_KEY_MIN_CHARS:
            raise ValueError(
                f"is shorter than {SECRET_KEY_MIN_CHARS} characters; "
                "make one with: python -c 'import secrets; print(secrets.token_hex(32))'"
            )
        return value

    @field_validator("ops_token")
    @classmethod
    def _beyond_guessing(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < OPS_TOKEN_MIN_CHARS:
            raise ValueError(
                f"is shorter than {OPS_TOKEN_MIN_CHARS} characters; "
                "make one with: python -c 'import secrets; print(secrets.token_urlsafe(24))'"
            )
        return value

    @field_validator("token_keys")
    @classmethod
    def _fernet_keys(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        for number, key in enumerate(_split(value.get_secret_value()), start=1):
            try:
                right = len(base64.urlsafe_b64decode(key)) == 32
            except ValueError:
                right = False
            if not right:
                raise ValueError(
                    f"key number {number} is not a Fernet key; make one with: "
                    "python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
                )
        return value

    @field_validator("database_url")
    @classmethod
    def _a_database(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("sqlite:///", "postgresql+psycopg://")):
            raise ValueError(
                "is neither SQLite nor PostgreSQL; give sqlite:////path/to/file.db or postgresql+psycopg://user:password@host/name"
            )
        return value

    @field_validator("redis_url")
    @classmethod
    def _a_redis(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("is not a Redis address; give redis://host:6379/0, rediss://... or unix:///path/to.sock")
        return value

    @field_validator("smtp_url")
    @classmethod
    def _a_mail_server(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parts = urlsplit(value.get_secret_value())
            if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
                raise ValueError("is not a mail server; give smtp://user:password@host:587?starttls=1 or smtps://...")
            private = parts.scheme == "smtps" or _STARTTLS.search(parts.query) or parts.hostname in _THIS_MACHINE
            if parts.password and not private:
                raise ValueError("would send its password for all to read; add ?starttls=1, or use smtps://")
        return value

    @field_validator("mail_from")
    @classmethod
    def _a_sender(cls, value: str) -> str:
        if "@" not in parseaddr(value)[1] or "\n" in value or "\r" in value:
            raise ValueError("is not a mail address; give one like Adductor Coach <coach@example.org>")
        return value

    @field_validator("webhook_key_setting")
    @classmethod
    def _a_path_segment(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            key = value.get_secret_value()
            if len(key) < 16 or not all(c.isascii() and (c.isalnum() or c in "-_") for c in key):
                raise ValueError("must be at least 16 letters, digits, - or _, as it stands in an address")
        return value

    @field_validator("note_delay_s")
    @classmethod
    def _not_negative(cls, value: float) -> float:
        if not 0 <= value <= 86_400:
            raise ValueError("must be between 0 and 86400 seconds")
        return value

    @field_validator("clock_speed")
    @classmethod
    def _forward(cls, value: float) -> float:
        if not 0 < value <= 1_000_000:
            raise ValueError("must be above 0; 1 is real time")
        return value

    @field_validator("web_threads", "worker_threads")
    @classmethod
    def _at_least_one(cls, value: int) -> int:
        if not 1 <= value <= 256:
            raise ValueError("must be between 1 and 256")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _a_small_count(cls, value: int) -> int:
        if not 0 <= value <= 5:
            raise ValueError("must be between 0 and 5: the number of reverse proxies in front")
        return value

    @model_validator(mode="wrap")
    @classmethod
    def _all_at_once(cls, values: Any, check: ModelWrapValidatorHandler[Settings]) -> Settings:
        """Name the wrong values and the wrong combinations together: one start, one list."""
        problems = _wrong_combinations(values)
        bind = str(values.get("ADDUCTOR_BIND", ""))
        if not values.get("ADDUCTOR_PUBLIC_URL") and bind.startswith(("127.0.0.1:", "localhost:")):
            # Nobody from outside comes to such an address: it is its own public one.
            values = {**values, "ADDUCTOR_PUBLIC_URL": f"http://{bind}"}
        try:
            settings = check(values)
        except ValidationError as error:
            raise SettingsError([_in_words(p) for p in error.errors(include_input=False)] + problems) from None
        if len(settings.webhook_path) + len(settings.public_url) > CALLBACK_URL_MAX_CHARS:
            problems.append(f"ADDUCTOR_PUBLIC_URL: too long; a callback may have {CALLBACK_URL_MAX_CHARS} characters")
        if problems:
            raise SettingsError(problems)
        return settings

    @property
    def webhook_path(self) -> str:
        """The path of the webhook. A key that is still to be derived has 32 characters."""
        key = self.webhook_key_setting.get_secret_value() if self.webhook_key_setting else "x" * 32
        return f"/webhooks/strava/{key}"

    @cached_property
    def secret(self) -> str:
        """The signing secret: as set, or made once and kept in the data folder (readable by its owner only)."""
        if self.secret_key is not None:
            return self.secret_key.get_secret_value()
        return _secret_kept_in(self.data_dir)

    def derived(self, purpose: str) -> str:
        """A secret of one purpose, derived from the signing secret: 64 hex characters."""
        return hmac.new(self.secret.encode(), purpose.encode(), hashlib.sha256).hexdigest()

    @property
    def fernet_keys(self) -> list[str]:
        """The keys of the tokens at rest, newest first.

        The derived one comes last also behind keys that were set: it opens what was sealed before they were.
        """
        raw = hmac.new(self.secret.encode(), b"tokens at rest", hashlib.sha256).digest()
        own = _split(self.token_keys.get_secret_value()) if self.token_keys is not None else []
        return [*own, base64.urlsafe_b64encode(raw).decode()]

    @cached_property
    def webhook_key(self) -> str:
        """The secret path segment of the webhook."""
        if self.webhook_key_setting is not None:
            return self.webhook_key_setting.get_secret_value()
        return self.derived("webhook path")[:32]

    @property
    def verify_token(self) -> str:
        """What Strava must repeat in the handshake."""
        if self.strava_verify_token is not None:
            return self.strava_verify_token.get_secret_value()
        return self.derived("strava verify token")[:32]

    @property
    def webhook_url(self) -> str:
        """The callback that Strava is told."""
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
    def mail_dir(self) -> Path:
        """Where mails are kept when no mail server is set."""
        return self.data_dir / "mail"

    @property
    def clock_file(self) -> Path:
        """The sped-up clock that all processes share; only used when ADDUCTOR_CLOCK_SPEED is not 1."""
        return self.data_dir / "clock.json"

    @property
    def log_format(self) -> Literal["text", "json"]:
        return self.log or ("text" if sys.stderr.isatty() else "json")


def _split(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


def _secret_kept_in(data_dir: Path) -> str:
    """Read the secret, or make it; two processes that start together end with the same one."""
    path = data_dir / "secret-key"
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        draft = path.with_name(f"secret-key.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)  # atomic, and fails when another process was first
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()


def load(**overrides: Any) -> Settings:
    """The settings of this process. Raises SettingsError naming everything that is wrong at once."""
    return Settings(**overrides)


def load_beside_up() -> Settings:
    """The settings of a command that is run beside `adductor up`: what that one brought itself (its broker, its made-up
    Strava) counts as set, as long as it runs. Raises SettingsError.
    """
    settings = load()
    for name, value in brought_by_up(settings.data_dir).items():
        os.environ.setdefault(name, value)
    return load()


def brought_by_up(data_dir: Path) -> dict[str, str]:
    """What a running `adductor up` in this folder brought itself; empty when none runs."""
    lock, brought = data_dir / UP_LOCK, data_dir / UP_BROUGHT
    try:
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        values: dict[str, str] = json.loads(brought.read_text()) if brought.exists() else {}
        return values
    except OSError:
        return {}
    return {}


def _wrong_combinations(values: dict[str, Any]) -> list[str]:
    """Each value may be right and the set of them wrong. Names are those of the environment."""
    problems = []
    strava = ("STRAVA_CLIENT_ID", "STRAVA_CLIENT_SECRET")
    missing = [name for name in strava if not values.get(name)]
    if len(missing) == 1:
        problems.append(f"{missing[0]}: missing; set both {strava[0]} and {strava[1]}, or neither for the sandbox")
    production = values.get("ADDUCTOR_ENV") == "production"
    if production and not values.get("ADDUCTOR_SECRET_KEY"):
        problems.append("ADDUCTOR_SECRET_KEY: missing; it is required when ADDUCTOR_ENV=production")
    real_strava = len(missing) == 0 and "strava.com" in str(values.get("ADDUCTOR_STRAVA_API_URL", "strava.com"))
    if str(values.get("ADDUCTOR_CLOCK_SPEED", "1")) not in {"1", "1.0"} and (production or real_strava):
        problems.append("ADDUCTOR_CLOCK_SPEED: must be 1 outside the sandbox and tests")
    return problems


def _in_words(problem: Any) -> str:
    name = ".".join(str(part) for part in problem["loc"])
    return f"{name}: {str(problem['msg']).removeprefix('Value error, ')}"
