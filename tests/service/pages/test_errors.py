"""What a runner sees when it isn't theirs to mend."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

from tests.service.pages.conftest import Visitor
from tests.service.pages.test_settings import DOSE


def test_a_database_that_others_keep_busy_is_no_fault_of_ours_and_asked_again_later(
    app: Flask, visitor: Visitor, runner: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = visitor.token()

    def busy(**_: object) -> None:
        raise OperationalError("BEGIN IMMEDIATE", None, Exception("database is locked"))

    monkeypatch.setattr(app.extensions["installation"].store, "write", busy)
    answer = visitor.post("/settings/dose", token=token, **DOSE)

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    assert "Try again in a minute" in answer.text
