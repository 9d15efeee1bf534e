"""The dashboard and the alert rules ask for nothing that `/metrics` does not give, after real traffic."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.support.live import Live

DEPLOY = Path(__file__).parents[2] / "deploy"
DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana" / "adductor-coach.json").read_text())
RULES: dict[str, Any] = yaml.safe_load((DEPLOY / "prometheus" / "adductor.rules.yml").read_text())
ALERTS: list[dict[str, Any]] = [rule for group in RULES["groups"] for rule in group["rules"]]

_NAME = re.compile(r"\badductor_[a-z_]+\b")
_SELECTED = re.compile(r"\b(adductor_[a-z_]+)\{([^}]*)\}")
_LABEL = re.compile(r"(\w+)\s*(?:=~|!=|!~|=)")
_BY = re.compile(r"by \(([^)]*)\)")


def _expressions() -> list[str]:
    of_panels = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    return [*of_panels, *(alert["expr"] for alert in ALERTS)]


def _samples(text: str) -> dict[str, set[str]]:
    """Every sample's name with its labels; a family without a sample yet has its labels from none."""
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        if family.type == "counter":
            found.setdefault(f"{family.name}_total", set())
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def _value(text: str, name: str, **labels: str) -> float:
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def _scrape(live: Live) -> str:
    answer = requests.get(f"{live.web}/metrics", timeout=10)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return answer.text


def _with_notes(live: Live, count: int) -> str | None:
    """The metrics once they know of this many notes."""
    text = _scrape(live)
    return text if _value(text, "adductor_note_seconds_count") == count else None


@pytest.mark.processes
def test_everything_that_is_asked_for_is_there_after_a_run_and_its_note(live: Live) -> None:
    before = _scrape(live)
    run = live.record(live.runner())
    live.note_comes(run)

    def counted() -> str | None:
        text = _scrape(live)
        grown = _value(text, "adductor_note_seconds_count") - _value(before, "adductor_note_seconds_count")
        return text if grown >= 1 else None

    text = live.until(counted)
    assert text is not None
    for name, labels in (
        ("adductor_webhook_requests_total", {"outcome": "stored"}),
        ("adductor_events_total", {"outcome": "post_run"}),
        ("adductor_decisions_total", {"decision": "post_run", "rule": "post_run"}),
        ("adductor_deliveries_total", {"channel": "private_note", "outcome": "written"}),
        ("adductor_strava_calls_total", {"kind": "reading an activity", "status": "200"}),
        ("adductor_strava_calls_total", {"kind": "writing a note", "status": "200"}),
        ("adductor_note_seconds_bucket", {"le": "+Inf"}),
    ):
        assert _value(text, name, **labels) >= _value(before, name, **labels) + 1, (name, labels)
    assert _value(text, "adductor_note_seconds_sum") > _value(before, "adductor_note_seconds_sum")
    assert _value(text, "adductor_part_up", part="broker") == 1
    assert _value(text, "adductor_heartbeat_age_seconds", part="beat") < 60
    assert _value(text, "adductor_heartbeat_age_seconds", part="worker") < 60
    assert _value(text, "adductor_strava_budget_left", bucket="read", window="day") > 0

    samples = _samples(text)
    expressions = _expressions()
    asked = {name for expression in expressions for name in _NAME.findall(expression)}
    assert len(asked) >= 15
    assert asked <= set(samples)
    given_by_prometheus = {"job", "instance"}
    for expression in expressions:
        for name, selectors in _SELECTED.findall(expression):
            labels = set(_LABEL.findall(selectors)) - given_by_prometheus
            assert not samples[name] or labels <= samples[name], expression
        for grouped in _BY.findall(expression):
            of_all = set().union(*(samples[name] for name in _NAME.findall(expression)))
            assert not of_all or {label.strip() for label in grouped.split(",")} <= of_all, expression


@pytest.mark.processes
def test_sums_only_grow_also_over_a_restart_of_the_parts(own_live: Live) -> None:
    own_live.note_comes(own_live.record(own_live.runner()))
    before = own_live.until(lambda: _with_notes(own_live, 1))
    assert before is not None
    for part in ("web", "worker"):
        own_live.kill(part)

    def answers() -> bool:
        try:
            return requests.get(f"{own_live.web}/healthz", timeout=1).ok
        except requests.RequestException:
            return False

    own_live.until(answers)
    own_live.note_comes(own_live.record(own_live.runner()))

    after = own_live.until(lambda: _with_notes(own_live, 2))
    assert after is not None
    for family in text_string_to_metric_families(before):
        for sample in family.samples:
            if family.type in ("counter", "histogram"):
                assert _value(after, sample.name, **sample.labels) >= sample.value, sample


def test_every_alert_says_what_it_means_and_what_to_do() -> None:
    assert len(ALERTS) >= 8
    assert len({alert["alert"] for alert in ALERTS}) == len(ALERTS)
    for alert in ALERTS:
        assert alert["labels"]["severity"] in ("page", "ticket")
        assert alert["annotations"]["summary"]
        assert len(alert["annotations"]["description"]) > 40


def test_the_dashboards_panels_have_their_places_and_do_not_lie_on_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_the_example_scrapes_the_address_that_there_is() -> None:
    example = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    (job,) = example["scrape_configs"]

    assert job["metrics_path"] == "/metrics"
    assert example["rule_files"] == ["adductor.rules.yml"]
