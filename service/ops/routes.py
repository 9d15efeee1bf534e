"""The blueprint that the operator's routes share."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("ops", __name__)
