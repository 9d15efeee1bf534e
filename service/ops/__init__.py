"""The operator's routes: health checks, metrics, and the page with backlog and failures."""

from __future__ import annotations

from service.ops import health, page
from service.ops.page import blueprint

__all__ = ["blueprint", "health", "page"]
