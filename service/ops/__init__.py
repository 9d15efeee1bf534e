"""For the operator: is it alive, is it ready, what does it do, what waits and what failed."""

from __future__ import annotations

from service.ops import health, page
from service.ops.routes import blueprint

__all__ = ["blueprint", "health", "page"]
