"""The dashboard and the alert rules ask for nothing that `/metrics` does not give, after real traffic."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from prometheus_client import Metric
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


def _families(live: Live) -> list[Metric]:
    answer = requests.get(f"{live.web}/metrics", timeout=10)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return list(text_string_to_metric_families(answer.text))


def _value(families: list[Metric], name: str, **labels: str) -> float:
    samples = [sample for family in families for sample in family.samples if sample.name == name]
    return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())


@pytest.mark.processes
def test_everything_that_is_asked_for_is_there_after_a_run_and_its_note(live: Live) -> None:
    before = _families(live)
    live.note_comes(live.record(live.runner()))
    counted = _value(before, "adductor_note_seconds_count")
    live.until(lambda: _value(_families(live), "adductor_note_seconds_count") > counted)
    after = _families(live)

    for name, labels in (
        ("adductor_webhook_requests_total", {"outcome": "stored"}),
        ("adductor_events_total", {"outcome": "post_run"}),
        ("adductor_decisions_total", {"decision": "post_run", "rule": "post_run"}),
        ("adductor_deliveries_total", {"channel": "private_note", "outcome": "written"}),
        ("adductor_strava_calls_total", {"kind": "reading an activity", "status": "200"}),
        ("adductor_strava_calls_total", {"kind": "writing a note", "status": "200"}),
        ("adductor_note_seconds_bucket", {"le": "+Inf"}),
    ):
        assert _value(after, name, **labels) >= _value(before, name, **labels) + 1, (name, labels)
    assert _value(after, "adductor_note_seconds_sum") > _value(before, "adductor_note_seconds_sum")
    assert _value(after, "adductor_part_up", part="broker") == 1
    for part in ("beat", "worker"):
        assert _value(after, "adductor_heartbeat_age_seconds", part=part) < 60
    assert _value(after, "adductor_strava_budget_left", bucket="read", window="day") > 0
    assert _value(after, "adductor_platform_budget_left", platform="intervals", window="day") > 0

    labels_of = {sample.name: set(sample.labels) for family in after for sample in family.samples}
    expressions = _expressions()
    assert len({name for expression in expressions for name in _NAME.findall(expression)}) >= 15
    for expression in expressions:
        names = _NAME.findall(expression)
        assert set(names) <= labels_of.keys(), expression
        for name, selectors in _SELECTED.findall(expression):
            assert set(_LABEL.findall(selectors)) - {"job", "instance"} <= labels_of[name], expression
        for grouped in _BY.findall(expression):
            known = set().union(*(labels_of[name] for name in names))
            assert {label.strip() for label in grouped.split(",")} <= known, expression


def test_every_alert_says_what_it_means_and_what_to_do() -> None:
    assert len(ALERTS) >= 8
    assert len({alert["alert"] for alert in ALERTS}) == len(ALERTS)
    for alert in ALERTS:
        assert alert["labels"]["severity"] in ("page", "ticket")
        assert alert["annotations"]["summary"]
        assert len(alert["annotations"]["description"]) > 40


def test_the_example_scrapes_the_address_that_there_is() -> None:
    example = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    (job,) = example["scrape_configs"]

    assert job["metrics_path"] == "/metrics"
    assert example["rule_files"] == ["adductor.rules.yml"]
