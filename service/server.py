"""gunicorn with our settings and nothing from files."""

from __future__ import annotations

import sys
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from adductor.settings import Settings
from service import pulse
from service.app import MOST_BODY_BYTES, create_app
from service.gathering import GatheringWorker

# SQLite has one writer: one process that gathers many events in a commit is faster than two that wait for each other.
_PROCESSES_ON_SQLITE = 1
_PROCESSES_ON_POSTGRES = 2
# Python's threads take turns so often; by itself it is ten times as long, and a flood keeps new connections waiting.
_SWITCH_S = 0.0005
# Connections of one process: well below the 1024 files that it may usually open, database and broker included.
PLACES = 500


class _Logs(Logger):  # type: ignore[misc]
    """gunicorn's own lines go where ours go: in our format, and without the secrets of the addresses that they name."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        settings = self._settings
        on_sqlite = settings.database.startswith("sqlite")
        values: dict[str, Any] = {
            "bind": settings.bind,
            "workers": settings.web_processes or (_PROCESSES_ON_SQLITE if on_sqlite else _PROCESSES_ON_POSTGRES),
            "worker_class": GatheringWorker,
            "threads": settings.web_threads,
            "worker_connections": PLACES,
            # Strava waits 2 s; a person some more. A worker that doesn't answer its master for this long is replaced.
            "timeout": 30,
            "graceful_timeout": 10,
            "keepalive": 15,
            # Longer than any header of Strava's or a browser's; all of them together: service.gathering.
            "limit_request_line": 4094,
            "limit_request_fields": 60,
            "limit_request_field_size": 8190,
            # gunicorn by itself lets whoever comes from this machine say where the application stands and whether there is
            # TLS. Nobody may: both are settings of ours, and ADDUCTOR_TRUSTED_PROXIES says who may name the caller.
            "forwarded_allow_ips": "",
            "forwarder_headers": "",
            "loglevel": "warning",
            "logger_class": _Logs,
            "control_socket_disable": True,
        }
        GatheringWorker.most_body_bytes = MOST_BODY_BYTES
        for name, value in values.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        # The loop that accepts connections has little to do, and must come to do it while all threads are busy.
        sys.setswitchinterval(_SWITCH_S)
        # After the fork: connections and threads belong to the process that uses them.
        app = create_app(self._settings)
        pulse.start(app.extensions["installation"], app.extensions["inbox_writer"])
        return app


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    _Server(settings).run()
