"""Properties over made-up inputs: webhook bodies, signed links, and scenario files."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema_rs
import yaml
from click.testing import CliRunner
from hypothesis import strategies as st

from bench.fuzz.site import FoundError, Site, check_all
from bench.rows import Rows
from service.cli.decide import decide
from tests.coaching.cases import all_cases

DESCRIPTION = Path(__file__).parents[2] / "docs" / "openapi.yaml"
LARGEST_EVENT_BYTES, LARGEST_REQUEST_BYTES = 16_384, 65_536
_KEY = ("subscription_id", "object_type", "object_id", "aspect_type", "event_time")

_ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=[]), max_size=80)  # half surrogate pairs too
_INTEGERS = st.integers() | st.sampled_from([0, 1, 2**63 - 1, 2**63, 4_102_444_800, 4_102_444_801, -1, 10**400])
_MOMENTS = st.datetimes().map(lambda at: f"{at.isoformat()}+00:00") | st.sampled_from(
    ["2026-02-30", "24:00", "9999-12-31T23:59:59-23:59"]
)
_VALUES = st.recursive(
    st.none() | st.booleans() | _INTEGERS | st.floats() | _ANY_TEXT | _MOMENTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_ANY_TEXT, inner, max_size=4),
    max_leaves=8,
)
_LONG = st.sampled_from([63, 64, 65, 999, 1_000, 1_001, 12_000]).map(lambda length: "x" * length)
_IDS = st.integers(1, 2**63 - 1)
_EVENT: dict[str, st.SearchStrategy[Any]] = {
    "object_type": st.sampled_from(["activity", "athlete"]),
    "aspect_type": st.sampled_from(["create", "update", "delete"]),
    "object_id": _IDS,
    "owner_id": _IDS,
    "subscription_id": _IDS,
    "event_time": st.integers(1, 4_102_444_800),
    "updates": st.none() | st.dictionaries(_ANY_TEXT | _LONG, st.booleans() | _ANY_TEXT | _LONG, max_size=21),
}
_ODD_BYTES = st.sampled_from(
    [b"\0", b"\xff", b"\xed\xa0\x80", b"\\ud83d", b"%00", b"'", b'"', b"\\", b"..", b"NaN", b"1e999"]
)


@st.composite
def changed(draw: st.DrawFn, document: dict[str, Any], at_most: int) -> dict[str, Any]:
    """The document with up to that many keys, anywhere in it, changed, left out, renamed or added."""
    document = copy.deepcopy(document)
    for _ in range(draw(st.integers(0, at_most))):
        mapping = draw(st.sampled_from(list(_mappings(document))))
        key = draw(st.sampled_from(sorted(mapping)))
        match draw(st.sampled_from(["change", "leave out", "rename", "add"])):
            case "change":
                mapping[key] = draw(_VALUES)
            case "leave out":
                del mapping[key]
            case "rename":
                mapping[draw(_ANY_TEXT)] = mapping.pop(key)
            case "add":
                mapping[draw(_ANY_TEXT)] = draw(_VALUES)
    return document


def _mappings(document: Any) -> Iterator[dict[str, Any]]:
    """The mappings in a document that hold something."""
    if isinstance(document, dict) and document:
        yield document
    inner = document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    for each in inner:
        yield from _mappings(each)


@st.composite
def spoilt(draw: st.DrawFn, pieces: list[bytes]) -> bytes:
    """One of the pieces with parts cut out, doubled, or replaced by bytes that parsers stumble over."""
    raw = draw(st.sampled_from(pieces))
    for _ in range(draw(st.integers(1, 3))):
        start, end = sorted(draw(st.tuples(*[st.integers(0, len(raw))] * 2)))
        put = draw(st.sampled_from([b"", raw[start:end] * 2]) | _ODD_BYTES | st.binary(max_size=4))
        raw = raw[:start] + put + raw[end:]
    return raw


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """A webhook body: valid, with a key changed, nested deep, in another encoding, spoilt, or no event at all."""
    event = draw(changed(draw(st.fixed_dictionaries(_EVENT)), 1))
    raw = json.dumps(event, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    depth = draw(st.sampled_from([10, 100, 900, 3_000, 20_000]))
    utf_16 = raw.decode("utf-8", "replace").encode("utf-16")
    other = [raw[:-1] + b', "new": ' + b"[" * depth + b"]" * depth + b"}", b"\xef\xbb\xbf" + raw, utf_16]
    other += [b"\x1f\x8b\x08\0" + raw, raw * 2, b" " * 70_000, b"", b"[]", b"null"]
    way = draw(st.sampled_from(["event", "event", "other", "spoilt", "binary"]))
    ways = {"other": st.sampled_from(other), "spoilt": spoilt([raw]), "binary": st.binary(max_size=300)}
    return draw(ways.get(way, st.just(raw)))


def expected_status(body: bytes, event: jsonschema_rs.Validator) -> int:
    """The status that a body has to get, by the schema in docs/openapi.yaml and another library than the product's."""
    if len(body) > LARGEST_REQUEST_BYTES:
        return 413
    try:
        # A number with a point or an exponent is an integer to JSON Schema, and none to the documents.
        document = json.loads(body.decode("utf-8"), parse_constant=_no_number, parse_float=lambda _: [])
    except (ValueError, RecursionError):
        return 400
    if len(body) > LARGEST_EVENT_BYTES or not isinstance(document, dict):
        return 400
    known = {name: document[name] for name in _EVENT if name in document}
    return 200 if event.is_valid(_whole(known)) else 400


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _whole(value: Any) -> Any:
    """The value with U+FFFD for half surrogate pairs, which the schema's library and YAML do not take."""
    text = json.dumps(value, ensure_ascii=False)
    return json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def check_bodies(here: Site, *, examples: int, seed: int) -> Counter[int]:
    """Every body gets the status of the reference; the inbox holds exactly the events answered 200."""
    described = yaml.safe_load(DESCRIPTION.read_text(encoding="utf-8"))["components"]
    event_schema = jsonschema_rs.validator_for({"$ref": "#/components/schemas/Event", "components": described})
    statuses, answered, client = Counter[int](), set(), here.client
    path = f"/webhooks/strava/{here.place.installation.settings.webhook_key}"

    def check(body: bytes) -> None:
        expected = expected_status(body, event_schema)
        status = client.post(path, data=body, content_type="application/json").status_code
        statuses[status] += 1
        if status != expected:
            raise FoundError(f"answered {status} instead of {expected}: {body!r}")
        if status == 200:
            event = json.loads(body)
            answered.add(tuple(event[name] for name in _KEY))

    check_all(bodies(), check, examples=examples, seed=seed)
    with closing(Rows(here.database)) as rows:
        stored = rows.event_keys()
    if stored != answered:
        raise FoundError(f"missing {sorted(answered - stored)[:3]}, not answered 200 {sorted(stored - answered)[:3]}")
    return statuses


def check_links(here: Site, *, examples: int, seed: int) -> Counter[int]:
    """A link that was changed in any way opens nothing and changes no row."""
    runner = here.place.runner()
    here.place.run_done(runner)
    tokens, client, statuses = here.tokens(runner), here.client, Counter[int]()
    payload, signature = tokens["a"].rpartition(".")[0], tokens["unsubscribe"].rpartition(".")[2]
    pieces = [token.encode() for token in (*tokens.values(), f"{payload}.{signature}")]
    before = here.dump()

    def check(drawn: tuple[str, bytes, str]) -> None:
        kind, text, method = drawn[0], drawn[1].decode("latin-1"), drawn[2]
        if text.strip("/") == tokens[kind] or not text.strip("/. "):
            return
        form = {"said": "done", "pain": "7", "again": "1"} if method == "POST" else None
        status = client.open(f"/{kind}/{quote(text, safe='')}", method=method, data=form).status_code
        statuses[status] += 1
        if status not in (400, 404, 405, 308):
            raise FoundError(f"{method} /{kind}/{text!r} answered {status}")

    forged, methods = spoilt(pieces) | st.sampled_from(pieces), st.sampled_from(["GET", "POST", "PUT"])
    check_all(st.tuples(st.sampled_from(sorted(tokens)), forged, methods), check, examples=examples, seed=seed)
    if here.dump() != before:
        raise FoundError("a forged link changed rows")
    return statuses


_SCENARIOS = [case.document for case in all_cases()]
_ODD_ENDS = st.sampled_from(
    ["---", "&a [*a]", "<<: *a", "x: &a [x, x]\ny: [*a, *a]", "!!binary ====", "[" * 3_000, "\t\tx"]
)


@st.composite
def scenarios(draw: st.DrawFn) -> bytes:
    """A case of the coach with up to two keys changed, as JSON or YAML, its text spoilt, or something odd at its end."""
    scenario = draw(changed(draw(st.sampled_from(_SCENARIOS)), 2))
    text = json.dumps(scenario) if draw(st.booleans()) else yaml.dump(_whole(scenario), allow_unicode=True)
    match draw(st.integers(0, 4)):
        case 0:
            return draw(spoilt([text.encode()])).decode("utf-8", "replace").encode()
        case 1:
            return f"{text}\n{draw(_ODD_ENDS)}\n".encode()
    return text.encode()


def check_scenarios(*, examples: int, seed: int) -> Counter[str]:
    """`adductor decide` decides, or says on standard error where the file is wrong; it never ends in a traceback."""
    outcomes, runner = Counter[str](), CliRunner()

    def check(given: bytes) -> None:
        ended = runner.invoke(decide, ["-", "--json"], input=given)
        if ended.exception is not None and not isinstance(ended.exception, SystemExit):
            raise FoundError(f"{type(ended.exception).__name__}: {ended.exception}: {given!r}")
        if ended.exit_code and not ended.stderr.strip():
            raise FoundError(f"exit code {ended.exit_code} without a word: {given!r}")
        outcomes["refused" if ended.exit_code else "decided"] += 1

    check_all(scenarios(), check, examples=examples, seed=seed)
    return outcomes
