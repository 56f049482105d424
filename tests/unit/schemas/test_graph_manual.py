"""`docs/graphs.md` says what the code does."""

import json
import re
from pathlib import Path

import msgspec

from millstream.api.credentials import confide
from millstream.schemas import graph, graph_credentials, graph_inputs, graph_validation, sizes
from millstream.schemas.blocks import BlockSpec
from millstream.schemas.graph import parse_graph
from millstream.schemas.graph_io import input_schema
from millstream.schemas.graph_validation import run_problems

ROOT = Path(__file__).parents[3]
MANUAL = (ROOT / "docs" / "graphs.md").read_text()
LINES = (ROOT / "tests" / "data" / "graph-specs.jsonl").read_bytes().splitlines()
SPECS = {spec.id: spec for spec in (msgspec.json.decode(line, type=BlockSpec) for line in LINES)}


def test_the_example_runs() -> None:
    [example] = re.findall(r"```json\n(.*?)```", MANUAL, re.S)
    agent = parse_graph(json.loads(example))
    assert run_problems(agent, SPECS, inputs={"who": "Ada"}, masks={}) == []
    assert input_schema(agent, SPECS)["required"] == ["who"]


def test_every_code_is_explained_and_every_explained_code_exists() -> None:
    table = MANUAL.split("## Problems")[1].split("## Computed")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    explained = {code for row in rows for code in re.findall(r"`(\w+)`", row)}
    source = "".join(
        Path(str(module.__file__)).read_text() for module in (graph, graph_inputs, graph_validation)
    )
    in_source = set(
        re.findall(r'code="(\w+)"|_problem\(\s*node, [\w"]+, "(\w+)"|_refuse_form\(\s*"(\w+)"', source)
    )
    written = {code for groups in in_source for code in groups if code}
    written |= {f"link_{end}_unknown" for end in ("source", "sink")}
    written |= {f"{side}_pin_unknown" for side in ("input", "output")}
    written |= {entry[2] for entry in graph_inputs.OWN_SCHEMA.values()}
    written |= {*graph.CODES.values(), "field_type", "field_invalid"}
    whys = re.findall(r'_Refused\(\s*"(\w+)"', Path(str(sizes.__file__)).read_text())
    assert whys
    written |= {f"json_{why}" for why in whys}
    credentials = "".join(Path(str(module.__file__)).read_text() for module in (graph_credentials, confide))
    codes = r'"(credentials_(?:\w+_)?(?:required|invalid|unknown|mismatch)|secret_unknown)"'
    written |= set(re.findall(codes, credentials))
    assert explained == written
    assert written >= graph_validation.DRY_RUN_TOLERATES


def test_the_limits_are_those_of_the_code() -> None:
    limits = MANUAL.split("**Limits**")[1].split("\n\n")[0]
    for limit in (sizes.NODES_LIMIT, sizes.LINKS_LIMIT, sizes.SUB_GRAPHS_LIMIT, sizes.PIN_LIMIT_CHARS):
        assert f"{limit:,}" in limits
    assert f"{sizes.TEXT_LIMIT_CHARS:,}" in limits
    assert f"{sizes.REQUEST_LIMIT_BYTES // sizes.MIB} MiB a request" in limits
    assert f"{sizes.JSON_DEPTH_LIMIT} containers" in limits
