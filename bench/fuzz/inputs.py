"""Properties over made-up inputs: webhook bodies, signed links, and scenario files."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema_rs
import yaml
from click.testing import CliRunner
from hypothesis import strategies as st

from bench.fuzz.site import FoundError, Site, check_all
from service.cli.decide import decide

DESCRIPTION = Path(__file__).parents[2] / "docs" / "openapi.yaml"
LARGEST_EVENT_BYTES, LARGEST_REQUEST_BYTES = 16_384, 65_536

_ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=[]), max_size=80)  # half surrogate pairs too
_INTEGERS = st.integers() | st.sampled_from([0, 1, 2**63 - 1, 2**63, 4_102_444_800, 4_102_444_801, -1, 10**400])
_SCALARS = st.none() | st.booleans() | _INTEGERS | st.floats() | _ANY_TEXT
_VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_ANY_TEXT, inner, max_size=4), max_leaves=8
)
_LONG = st.sampled_from([63, 64, 65, 999, 1_000, 1_001, 12_000]).map(lambda length: "x" * length)
_IDS = st.integers(1, 2**63 - 1)
_VALID: dict[str, st.SearchStrategy[Any]] = {
    "object_type": st.sampled_from(["activity", "athlete"]),
    "aspect_type": st.sampled_from(["create", "update", "delete"]),
    "object_id": _IDS,
    "owner_id": _IDS,
    "subscription_id": _IDS,
    "event_time": st.integers(1, 4_102_444_800),
    "updates": st.none() | st.dictionaries(_ANY_TEXT | _LONG, st.booleans() | _ANY_TEXT | _LONG, max_size=21),
}


@st.composite
def spoilt(draw: st.DrawFn, pieces: list[str | bytes]) -> bytes:
    """One of the pieces with a part cut out, doubled, or replaced by bytes that parsers stumble over."""
    piece = draw(st.sampled_from(pieces))
    raw = piece if isinstance(piece, bytes) else piece.encode("utf-8", "surrogatepass")
    for _ in range(draw(st.integers(1, 3))):
        start, end = sorted(draw(st.tuples(*[st.integers(0, len(raw))] * 2)))
        odd = st.sampled_from(
            [b"\0", b"\xff", b"\xed\xa0\x80", b"\\ud83d", b"%00", b"'", b'"', b"\\", b"..", b"NaN", b"1e999"]
        )
        raw = raw[:start] + draw(st.just(b"") | st.just(raw[start:end] * 2) | odd | st.binary(max_size=4)) + raw[end:]
    return raw


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """A webhook body: valid, with a wrong, missing or additional key, nested deep, in another encoding, or spoilt."""
    event = draw(st.fixed_dictionaries(_VALID))
    way = draw(st.sampled_from(["valid", "value", "without", "more", "deep", "encoding", "spoilt", "binary"]))
    if way == "value":
        event[draw(st.sampled_from(sorted(event)))] = draw(_VALUES)
    elif way == "without":
        del event[draw(st.sampled_from(sorted(event)))]
    elif way == "more":
        event[draw(_ANY_TEXT)] = draw(_VALUES)
    raw = json.dumps(event, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    match way:
        case "deep":
            depth = draw(st.sampled_from([10, 100, 900, 3_000, 20_000]))
            return raw[:-1] + b', "new": ' + b"[" * depth + b"]" * depth + b"}"
        case "encoding":
            text = raw.decode("utf-8", "replace")
            return draw(
                st.sampled_from([b"\xef\xbb\xbf" + raw, text.encode("utf-16"), b"\x1f\x8b\x08\0" + raw, raw * 2])
            )
        case "spoilt":
            return draw(spoilt([raw]))
        case "binary":
            return draw(st.binary(max_size=300) | st.sampled_from([b"", b"[]", b"null", b" " * 70_000]))
    return raw


class Reference:
    """The verdict on a body by the schema in docs/openapi.yaml, in another library than the product's."""

    def __init__(self) -> None:
        document = yaml.safe_load(DESCRIPTION.read_text(encoding="utf-8"))
        schema = {"$ref": "#/components/schemas/Event", "components": document["components"]}
        self._validator = jsonschema_rs.validator_for(schema)

    def status(self, body: bytes) -> int:
        """The status that the body has to get."""
        if len(body) > LARGEST_REQUEST_BYTES:
            return 413
        if len(body) > LARGEST_EVENT_BYTES:
            return 400
        try:
            # A number with a point or an exponent is an integer to JSON Schema, and none to the documents.
            document = json.loads(body.decode("utf-8"), parse_constant=_no_number, parse_float=lambda _: [])
        except (ValueError, RecursionError):
            return 400
        return 200 if isinstance(document, dict) and self._validator.is_valid(_whole(_known(document))) else 400


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _known(document: dict[str, Any]) -> dict[str, Any]:
    return {name: document[name] for name in _VALID if name in document}


def _whole(value: Any) -> Any:
    """The value with U+FFFD for half surrogate pairs, which the schema's library does not take."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_whole(key): _whole(entry) for key, entry in value.items()}
    return [_whole(entry) for entry in value] if isinstance(value, list) else value


def check_bodies(here: Site, *, examples: int, seed: int) -> Counter[int]:
    """Every body gets the status of the reference; the inbox holds exactly the events answered 200."""
    reference, statuses, answered = Reference(), Counter[int](), set()
    path = f"/webhooks/strava/{here.place.installation.settings.webhook_key}"
    client = here.client

    def check(body: bytes) -> None:
        status = client.post(path, data=body, content_type="application/json").status_code
        statuses[status] += 1
        if status != reference.status(body):
            raise FoundError(f"answered {status} instead of {reference.status(body)}: {body!r}")
        if status == 200:
            event = json.loads(body)
            names = ("subscription_id", "object_type", "object_id", "aspect_type", "event_time")
            answered.add(tuple(event[name] for name in names))

    check_all(bodies(), check, examples=examples, seed=seed)
    rows = here.rows()
    stored = rows.event_keys()
    rows.close()
    if stored != answered:
        raise FoundError(f"missing {sorted(answered - stored)[:3]}, not answered 200 {sorted(stored - answered)[:3]}")
    return statuses


def check_links(here: Site, *, examples: int, seed: int) -> Counter[int]:
    """A link that was changed in any way opens nothing and changes no row."""
    runner = here.place.runner(external_id=7)
    here.place.run_done(runner)
    tokens, client, statuses = here.tokens(runner, 7), here.client, Counter[int]()
    payload, _, _ = tokens["a"].rpartition(".")
    mixed = f"{payload}.{tokens['unsubscribe'].rpartition('.')[2]}"
    before = here.dump()

    def check(drawn: tuple[str, bytes, str]) -> None:
        kind, raw, method = drawn
        text = raw.decode("latin-1")
        if text.strip("/") == tokens[kind] or not text.strip("/. "):
            return
        form = {"said": "done", "pain": "7", "again": "1"} if method == "POST" else None
        answer = client.open(f"/{kind}/{quote(text, safe='')}", method=method, data=form)
        statuses[answer.status_code] += 1
        if answer.status_code not in (400, 404, 405, 308):
            raise FoundError(f"{method} /{kind}/{text!r} answered {answer.status_code}")

    forged = spoilt([*tokens.values()]) | st.sampled_from([*tokens.values(), mixed]).map(str.encode)
    drawn = st.tuples(st.sampled_from(sorted(tokens)), forged, st.sampled_from(["GET", "POST", "PUT"]))
    check_all(drawn, check, examples=examples, seed=seed)
    if here.dump() != before:
        raise FoundError("a forged link changed rows")
    return statuses


_MOMENTS = st.datetimes().map(lambda at: f"{at.isoformat()}+00:00") | st.sampled_from(
    ["2026-02-30", "24:00", "9999-12-31T23:59:59-23:59"]
)
_SCENARIO: dict[str, Any] = {
    "athlete": {"timezone": "Europe/London", "screening_completed": True, "programme_stage": 2},
    "check_ins": [{"at": "2026-11-12T08:00:00Z", "hip_groin_pain_0_10": 1, "red_flags": []}],
    "plan": [{"start": "2026-11-20T09:00:00Z", "kind": "race", "priority": "A"}],
    "activities": [
        {"id": 17, "sport": "run", "start": "2026-11-17T07:00:00Z", "moving_min": 45, "intensity": "easy"},
    ],
    "sessions": [{"completed_at": "2026-11-13T18:00:00Z", "kind": "strength_full", "completed_pct": 100, "rpe": 7}],
    "event": {"type": "activity_uploaded", "activity_id": 17},
    "now": "2026-11-17T07:55:00Z",
}  # fmt: skip


@st.composite
def scenarios(draw: st.DrawFn) -> str:
    """A scenario file: one key changed, left out, renamed or added somewhere, as JSON or YAML, or its text spoilt."""
    scenario = json.loads(json.dumps(_SCENARIO))
    for _ in range(draw(st.integers(0, 2))):
        at: Any = scenario
        while isinstance(at, dict | list) and at:
            key = draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
            if not isinstance(at[key], dict | list) or draw(st.integers(0, 5)) == 0:
                at[key if draw(st.integers(0, 4)) or isinstance(at, list) else draw(_ANY_TEXT)] = draw(
                    _VALUES | _MOMENTS
                )
                break
            at = at[key]
    text = json.dumps(scenario) if draw(st.booleans()) else yaml.dump(_whole(scenario), allow_unicode=True)
    if draw(st.integers(0, 3)) == 0:
        text = draw(spoilt([text])).decode("utf-8", "replace")
    odd = st.sampled_from(
        ["---", "&a [*a]", "<<: *a", "x: &a [x, x]\ny: [*a, *a]", "!!binary ====", "[" * 3_000, "\t\tx"]
    )
    return text if draw(st.integers(0, 4)) else f"{text}\n{draw(odd)}\n"


def check_scenarios(*, examples: int, seed: int) -> Counter[str]:
    """`adductor decide` decides, or says on standard error where the file is wrong; it never ends in a traceback."""
    outcomes, runner = Counter[str](), CliRunner()

    def check(text: str) -> None:
        given = text.encode("utf-8", "surrogatepass")
        ended = runner.invoke(decide, ["-", "--json"], input=given)
        if ended.exception is not None and not isinstance(ended.exception, SystemExit):
            raise FoundError(f"{type(ended.exception).__name__}: {ended.exception}: {text!r}")
        if ended.exit_code and not ended.stderr.strip():
            raise FoundError(f"exit code {ended.exit_code} without a word: {text!r}")
        outcomes["refused" if ended.exit_code else "decided"] += 1

    check_all(scenarios(), check, examples=examples, seed=seed)
    return outcomes
