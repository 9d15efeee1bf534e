"""What a claim must outlive."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from adductor.queue import claims
from adductor.store.models import Delivery, InboxEvent, Letter
from tests.support.runners import place


@pytest.mark.parametrize(("table", "waits_for_the_disk"), [(InboxEvent, False), (Delivery, True), (Letter, True)])
def test_that_a_note_or_a_mail_was_begun_outlives_a_power_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: Any, waits_for_the_disk: bool
) -> None:
    with place(tmp_path) as here:
        store = here.installation.store
        asked: list[bool] = []
        write = store.write

        @contextmanager
        def heard(*, can_be_redone: bool = False) -> Iterator[Session]:
            asked.append(not can_be_redone)
            with write(can_be_redone=can_be_redone) as session:
                yield session

        monkeypatch.setattr(store, "write", heard)

        claims.claim(here.installation, table)

    assert asked == [waits_for_the_disk]
