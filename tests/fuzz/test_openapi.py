"""docs/openapi.yaml describes every route that there is, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest
import schemathesis
import yaml
from flask import Flask

from bench.fuzz.inputs import DESCRIPTION
from tests.support.runners import place
from tests.support.site import site

# Flask answers these by itself wherever there is a GET, or anything at all.
BY_ITSELF = {"HEAD", "OPTIONS"}
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    with place(tmp_path_factory.mktemp("described")) as here:
        yield site(here)


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(DESCRIPTION.read_text(encoding="utf-8"))
    return document


def _routes(app: Flask) -> set[tuple[str, str]]:
    return {
        (re.sub(r"<(?:[^<>]*:)?(\w+)>", r"{\1}", rule.rule), method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - BY_ITSELF
    }


def _operations(described: dict[str, Any]) -> set[tuple[str, str]]:
    return {
        (path, method.upper())
        for path, operations in described["paths"].items()
        for method in operations
        if method.upper() in METHODS
    }


def test_every_route_is_described_and_every_description_has_its_route(app: Flask, described: dict[str, Any]) -> None:
    routes, operations = _routes(app), _operations(described)

    assert routes - operations == set(), "routes that docs/openapi.yaml does not describe"
    assert operations - routes == set(), "described in docs/openapi.yaml, and not there"


def test_the_description_is_valid_and_its_names_are_used_once(described: dict[str, Any]) -> None:
    schemathesis.openapi.from_dict(described).validate()
    names = [
        operation["operationId"]
        for operations in described["paths"].values()
        for method, operation in operations.items()
        if method.upper() in METHODS
    ]

    assert len(names) == len(set(names))


def test_every_form_of_a_runner_names_its_token(described: dict[str, Any]) -> None:
    forms = [
        (path, operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"])
        for path, operations in described["paths"].items()
        for operation in operations.values()
        if isinstance(operation, dict) and operation.get("tags") == ["forms"]
    ]

    assert [path for path, schema in forms if "csrf_token" not in schema["properties"]] == []
    assert len(forms) > 10


def test_the_documented_limits_are_those_of_the_code(described: dict[str, Any]) -> None:
    from adductor.platforms.strava import webhooks

    event = described["components"]["schemas"]["Event"]
    assert f"{webhooks.MAX_BODY_BYTES:,} bytes" in event["description"]
    assert f"{webhooks.MAX_UPDATE_VALUE_CHARS:,} characters" in event["properties"]["updates"]["description"]
    assert event["properties"]["updates"]["maxProperties"] == webhooks.MAX_UPDATES
    assert event["properties"]["updates"]["propertyNames"]["maxLength"] == webhooks.MAX_UPDATE_KEY_CHARS
    assert set(event["properties"]["object_type"]["enum"]) == set(get_args(webhooks.ObjectType))
    assert set(event["properties"]["aspect_type"]["enum"]) == set(get_args(webhooks.AspectType))
