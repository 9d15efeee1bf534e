"""The start configuration of a sandbox, validated."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SandboxConfig:
    """Everything a sandbox needs to know at its start.

    `app_url` is where the product's own pages are, only used for a link. `clock_file` is shared with the
    product so that both live in the same time; without one the sandbox keeps its own in `state_dir`.
    """

    state_dir: Path
    client_id: int
    client_secret: str
    mail_dir: Path | None = None
    clock_file: Path | None = None
    app_url: str | None = None
    intervals_client_id: int = 999
    intervals_client_secret: str = "secret"  # noqa: S105 - of a made-up company
    intervals_webhook_url: str | None = None
    intervals_webhook_secret: str = ""
