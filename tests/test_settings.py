"""Settings: all that is wrong is named at once, with the way out, and no secret is shown."""

from __future__ import annotations

import os
import ssl
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from kombu import Connection
from pydantic import ValidationError
from redis import Redis

from adductor.settings import SettingsError, load
from service.supervisor import broker_socket
from tests.support import commands
from workers.app import celery_broker_url

SECRET = "0123456789abcdef" * 4


@pytest.fixture(autouse=True)
def _an_empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith(("ADDUCTOR_", "STRAVA_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("ADDUCTOR_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)


def _problems(monkeypatch: pytest.MonkeyPatch, **values: str) -> list[str]:
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load()
    return caught.value.problems


def test_load_nothing_needs_to_be_set(tmp_path: Path) -> None:
    settings = load()

    assert settings.bind == "127.0.0.1:8000"
    assert settings.uses_sandbox
    assert settings.database == f"sqlite:///{tmp_path}/data/adductor.db"
    assert settings.redis is None
    with pytest.raises(ValidationError, match="frozen"):
        settings.bind = "0.0.0.0:1"


@pytest.mark.parametrize(
    ("name", "value", "field", "loaded"),
    [
        ("STRAVA_ACCESS_TOKEN", "of another program", "uses_sandbox", True),
        ("GARMIN_CLIENT_ID", "of another program", "uses_sandbox", True),
        ("ADDUCTOR_SERVICE_HOST", "10.0.0.7", "uses_sandbox", True),  # Kubernetes, for a service named adductor
        ("ADDUCTOR_WEB_PORT_8000_TCP_ADDR", "10.0.0.7", "uses_sandbox", True),
        (".env", "\ufeffADDUCTOR_NOTE_DELAY_S=91\r\nADDUCTOR_LOG=json\r\n", "note_delay_s", 91),
        ("ADDUCTOR_BIND", "127.0.0.1:8123", "public_url", "http://127.0.0.1:8123"),
        ("ADDUCTOR_PUBLIC_URL", "https://coach.example.org/", "public_url", "https://coach.example.org"),
        ("ADDUCTOR_SECRET_KEY_FILE", f"{SECRET}\n", "secret", SECRET),
        ("ADDUCTOR_SMTP_URL_FILE", "\n", "smtp_url", None),
        (".env", "ADDUCTOR_NOTE_DELAY_S=90\n", "note_delay_s", 90),
        ("ADDUCTOR_OPERATOR", "Läuferverein Köln", "operator", "Läuferverein Köln"),
    ],
)
def test_load_value_from_the_environment_a_file_or_dotenv(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str, field: str, loaded: object
) -> None:
    if name.endswith(("_FILE", ".env")):
        (tmp_path / name).write_text(value)
        value = str(tmp_path / name)
    monkeypatch.setenv(name.removeprefix("."), value)

    assert getattr(load(), field) == loaded


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("ADDUCTOR_BIND", "8000", "127.0.0.1:8000"),
        ("ADDUCTOR_BIND", "127.0.0.1:99999", "127.0.0.1:8000"),
        ("ADDUCTOR_PUBLIC_URL", "https://" + ("a" * 60 + ".") * 4 + "example.org", "too long"),
        *(("ADDUCTOR_PUBLIC_URL", f"https://{rest}", "web address") for rest in ("x:99999", "[::1", "x:0", ":80")),
        *(
            ("ADDUCTOR_HEARTBEAT_URL", url, "web address")
            for url in ("hc.org/x", "ftp://hc.org", "http://x:99999", "https:///x")
        ),
        *(("ADDUCTOR_BIND", bind, "127.0.0.1:8000") for bind in ("127.0.0.1:²", "http://127.0.0.1:80", "a b:80")),
        *(("ADDUCTOR_DATABASE_URL", url, "can't be read") for url in ("postgresql+psycopg://c@h:abc/x", "sqlite:///")),
        *(
            ("ADDUCTOR_REDIS_URL", f"redis://{rest}", "can't be read")
            for rest in ("h:abc", "h:99999", ":p#w@h:1/0", "h/abc", "h/0?nonsense=1", "[::1:1", "h?protocol=9")
        ),
        ("ADDUCTOR_REDIS_URL", "rediss://h?ssl_cert_reqs=bogus", "can't be read"),
        *(
            ("ADDUCTOR_SMTP_URL", f"smtp://{rest}", "can't be read")
            for rest in ("h:abc", "h:99999", "[::1", "a..b", "u:p#w@h", "h?starttls=maybe", "h?stattls=1")
        ),
        *(("ADDUCTOR_MAIL_FROM", sender, "mail address") for sender in ("@b", "a b@c", "müller@example.org")),
        ("ADDUCTOR_PUBLIC_URL", "https://user:secret@example.org", "no user"),
        ("ADDUCTOR_TOKEN_KEYS", ",", "Fernet.generate_key"),
        ("STRAVA_CLIENT_SECRET", "made-up\r", "Windows line ends"),
        *(
            (name, "https://coach.example.org", "ADDUCTOR_PUBLIC_URL?")
            for name in ("ADUCTOR_PUBLIC_URL", "adductor_public_url", "ADDUCTOR-PUBLIC-URL")
        ),
        ("ADDUCTOR_SECRET_KEY_FIL", "/run/secrets/key", "ADDUCTOR_SECRET_KEY_FILE?"),
        ("ADDUCTOR_OPERATOR", "A club\nBcc: c@d", "one line"),
        ("ADDUCTOR_CONTACT", "x" * 201, "one line"),
        ("ADDUCTOR_WEEKLY_MAIL", "on", "ADDUCTOR_CONTACT"),
        ("ADDUCTOR_SECRET_KEY", "short", "secrets.token_hex"),
        ("ADDUCTOR_TOKEN_KEYS", "not-a-key", "Fernet.generate_key"),
        ("ADDUCTOR_DATABASE_URL", "mysql://x", "postgresql+psycopg://"),
        ("ADDUCTOR_REDIS_URL", "http://x", "redis://"),
        ("ADDUCTOR_SMTP_URL", "mail.example.org", "smtp://"),
        ("ADDUCTOR_SMTP_URL", "smtp://coach:secret@mail.example.org:587", "starttls=1"),
        ("ADDUCTOR_MAIL_FROM", "a@b\nBcc: c@d", "coach@example.org"),
        ("ADDUCTOR_EHLO", "coach example", "host name"),
        ("ADDUCTOR_PUSH_SERVICES", "http://push.example.org", "address of a push service"),
        ("ADDUCTOR_WEBHOOK_KEY", "a/b", "letters"),
        ("ADDUCTOR_PUBLIC_URL", "https://example.org/coach", "no path"),
        ("ADDUCTOR_REDIS_URL", "redis://127.0.0.1:6379?db=3", "redis://host:6379/3"),
        ("ADDUCTOR_DATA_DIR", "/tmp/what?", "question mark"),
        ("STRAVA_CLIENT_ID", "abc", "not a number"),
        ("ADDUCTOR_PUBLIK_URL", "https://coach.example.org", "ADDUCTOR_PUBLIC_URL"),
        ("ADDUCTOR_FRESH_PAINT", "1", "docs/settings.md"),
        ("ADDUCTOR_NOTE_DELAY_S", "-1", "greater than or equal to 0"),
        ("ADDUCTOR_LOG", "loud", "'text' or 'json'"),
        ("ADDUCTOR_TRUSTED_PROXIES", "99", "less than or equal to 5"),
    ],
)
def test_a_wrong_value_is_named_with_what_would_be_right(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, hint: str
) -> None:
    beside = {
        "STRAVA_CLIENT_SECRET": {"STRAVA_CLIENT_ID": "1"},
        "STRAVA_CLIENT_ID": {"STRAVA_CLIENT_SECRET": "made-up"},
        "ADDUCTOR_SMTP_URL": {"ADDUCTOR_MAIL_FROM": "coach@example.org"},
    }
    (problem,) = _problems(monkeypatch, **beside.get(name, {}), **{name: value})

    assert problem.startswith(f"{name}: ")
    assert hint in problem


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        (
            {"ADDUCTOR_BIND": "x", "ADDUCTOR_CLOCK_SPEED": "-1", "ADDUCTOR_ENV": "production", "STRAVA_CLIENT_ID": "1"},
            {"ADDUCTOR_BIND", "ADDUCTOR_CLOCK_SPEED", "ADDUCTOR_SECRET_KEY", "STRAVA_CLIENT_SECRET"},
        ),
        ({"ADDUCTOR_ENV": "production"}, {"ADDUCTOR_SECRET_KEY"}),
        ({"ADDUCTOR_SMTP_URL": "smtps://mail.example.org"}, {"ADDUCTOR_MAIL_FROM"}),
        (
            {"ADDUCTOR_CLOCK_SPEED": "60", "STRAVA_CLIENT_ID": "1", "STRAVA_CLIENT_SECRET": "made-up"},
            {"ADDUCTOR_CLOCK_SPEED"},
        ),
        ({"ADDUCTOR_SECRET_KEY_FILE": "/nowhere/secret"}, {"ADDUCTOR_SECRET_KEY_FILE"}),
        (
            {"ADDUCTOR_SECRET_KEY": "my-cat", "ADDUCTOR_TOKEN_KEYS": "my-cat"},
            {"ADDUCTOR_SECRET_KEY", "ADDUCTOR_TOKEN_KEYS"},
        ),
    ],
)
def test_load_all_that_is_wrong_is_named_at_once_and_no_secret(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str], wrong: set[str]
) -> None:
    problems = _problems(monkeypatch, **values)

    assert {problem.partition(":")[0] for problem in problems} == wrong
    assert "my-cat" not in str(problems)


@pytest.mark.parametrize(
    ("set_to", "is_at"),
    [
        ("here", "{cwd}/here"),
        ("~/coach", "{home}/coach"),
        ("$HOME/coach", "{home}/coach"),
        ("a #1 100% $", "{cwd}/a #1 100% $"),
    ],
)
def test_data_dir_is_expanded_and_absolute(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, set_to: str, is_at: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ADDUCTOR_DATA_DIR", set_to)

    assert str(load().data_dir) == is_at.format(cwd=tmp_path, home=tmp_path / "home")


@pytest.mark.parametrize("name", ["a #1 100%", "with 'quotes\" & ünïcode", "x" * 120])
def test_data_dir_of_odd_characters_holds_database_and_broker(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name

    ended = commands.run("db", "upgrade", ADDUCTOR_DATA_DIR=str(folder))

    assert (ended.returncode, ended.stderr) == (0, "")
    assert (folder / "adductor.db").is_file()
    path = broker_socket(folder)
    assert Redis.from_url(f"unix://{path}").connection_pool.connection_kwargs["path"] == str(path)
    assert str(Connection(celery_broker_url(f"unix://{path}")).hostname).endswith(f"://{path}")


@pytest.mark.parametrize("query", ["", "?ssl_ca_certs=/ca.pem"])
def test_broker_over_tls_has_its_certificate_checked_unless_refused(query: str) -> None:
    """Kombu alone would accept any, where redis-py doesn't."""
    url = f"rediss://localhost/0{query}"
    refused = f"{url}{'&' if query else '?'}ssl_cert_reqs=none"

    assert Connection(celery_broker_url(url)).ssl["ssl_cert_reqs"] == ssl.CERT_REQUIRED
    assert Connection(celery_broker_url(refused)).ssl["ssl_cert_reqs"] == ssl.CERT_NONE


def test_data_dir_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    ended = commands.run("db", "upgrade", ADDUCTOR_DATA_DIR=str(tmp_path / "file" / "data"))

    assert ended.returncode == 2
    assert ended.stderr.startswith("adductor: ADDUCTOR_DATA_DIR: can't write into ")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("ADDUCTOR_MAIL_FROM=Müller <a@b>", ".env: is not UTF-8; save it in that encoding"),
        ("ADDUCTOR_LOG=json\nADDUCTOR BIND = 127.0.0.1:80\n", ".env: line 2 is not NAME=value"),
    ],
    ids=["latin-1", "no setting"],
)
def test_dotenv_file_that_cannot_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str, problem: str
) -> None:
    (tmp_path / ".env").write_bytes(content.encode("latin-1"))

    assert _problems(monkeypatch) == [problem]


@pytest.mark.parametrize(("kept", "said"), [(b"", "holds no key"), (b"\xff" * 40, "no text"), (None, "directory")])
@pytest.mark.parametrize("command", ["web", "up"])
def test_secret_key_file_without_a_key_ends_the_start(
    tmp_path: Path, kept: bytes | None, said: str, command: str
) -> None:
    file = tmp_path / "data" / "secret-key"
    (file if kept is None else file.parent).mkdir(parents=True)
    if kept is not None:
        file.write_bytes(kept)

    arguments = (command, "--plan") if command == "up" else (command,)
    ended = commands.run(*arguments, ADDUCTOR_DATA_DIR=str(file.parent))

    assert ended.returncode == 2
    assert ended.stderr.startswith("adductor: ADDUCTOR_SECRET_KEY: ")
    assert said in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_secret_is_made_once_by_processes_that_start_together_and_for_its_owner_only(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        secrets = set(pool.map(lambda _: load().secret, range(32)))

    assert [len(secret) for secret in secrets] == [64]
    assert stat.S_IMODE((tmp_path / "data" / "secret-key").stat().st_mode) == 0o600


def test_secrets_differ_by_purpose_stay_the_same_and_are_never_shown() -> None:
    url = "postgresql+psycopg://coach:hunter2@db/coach"
    values = {"ADDUCTOR_SECRET_KEY": SECRET, "ADDUCTOR_DATABASE_URL": url}
    values |= {"STRAVA_CLIENT_ID": "1", "STRAVA_CLIENT_SECRET": "made-up-secret"}
    settings = load(**values)

    derived = {settings.webhook_key, settings.verify_token, settings.derived("sessions"), *settings.fernet_keys}
    shown = repr(settings) + str(settings)

    assert len(derived) == 4
    assert load(**values).webhook_key == settings.webhook_key
    assert not {word for word in (SECRET, "hunter2", "made-up-secret", *derived) if word in shown}
