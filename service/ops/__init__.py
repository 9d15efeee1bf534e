"""For those who run it: is it alive, is it ready, what does it do, what waits and what failed."""

from __future__ import annotations

from service.ops import health, metrics, page
from service.ops.routes import blueprint

__all__ = ["blueprint", "health", "metrics", "page"]
