from typing import Any
from uuid import UUID

from millstream.schemas.graph import AGENT_BLOCK_ID, Graph
from millstream.schemas.graph_ids import create, updated

STORE = "1ff065e9-88e8-4358-9d82-8dc91f622ba9"


def link(source: str, sink: str, **more: Any) -> dict[str, Any]:
    return {"source_id": source, "source_name": "output", "sink_id": sink, "sink_name": "input", **more}


def a_graph(graph_id: str = "g", **changes: Any) -> Graph:
    nodes = [{"id": "a", "block_id": STORE, "input_default": {"input": 1}}, {"id": "b", "block_id": STORE}]
    body = {
        "id": graph_id,
        "name": "n",
        "description": "d",
        "nodes": nodes,
        "links": [link("a", "b", id="l")],
    }
    return Graph.model_validate({**body, **changes})


def agent(node_id: str, runs: str, **constants: Any) -> dict[str, Any]:
    return {"id": node_id, "block_id": AGENT_BLOCK_ID, "input_default": {"graph_id": runs, **constants}}


def is_uuid(text: str) -> bool:
    return str(UUID(text)) == text


def test_create_gives_new_uuids_and_keeps_the_rest() -> None:
    given = a_graph(version=4, is_active=False)
    graph = create(given, user_id="u")
    a, b = graph.nodes
    [edge] = graph.links
    ids = [graph.id, a.id, b.id, edge.id]
    assert all(map(is_uuid, ids))
    assert len({*ids, "g", "a", "b", "l"}) == 8
    assert (edge.source_id, edge.sink_id) == (a.id, b.id)
    assert (edge.source_name, edge.sink_name) == ("output", "input")
    assert a.input_default == {"input": 1}
    assert graph.model_dump(exclude={"id", "nodes", "links"}) == given.model_dump(
        exclude={"id", "nodes", "links"}
    )


def test_create_replaces_ids_that_are_uuids_already() -> None:
    once = create(a_graph(), user_id="u")
    again = create(once, user_id="u")
    assert {once.id, *(n.id for n in once.nodes)}.isdisjoint({again.id, *(n.id for n in again.nodes)})


def test_create_leaves_ends_that_name_no_node() -> None:
    graph = create(a_graph(links=[link("a", "gone")]), user_id="u")
    assert graph.links[0].sink_id == "gone"


def test_create_leaves_its_argument_alone() -> None:
    given = a_graph(nodes=[agent("x", "s", file={"_credentials_id": "c"})], links=[])
    before = given.model_dump()
    create(given, user_id="u")
    assert given.model_dump() == before


def test_agent_nodes_run_as_the_caller_and_point_to_the_graphs_that_travel_along() -> None:
    inner = a_graph("inner").model_dump()
    middle = a_graph("middle", nodes=[agent("m", "inner")], links=[]).model_dump()
    nodes = [agent("x", "middle", user_id="them", inputs={"k": 1}), agent("y", "elsewhere")]
    graph = create(a_graph(nodes=nodes, links=[], sub_graphs=[middle, inner]), user_id="me")
    new_middle, new_inner = graph.sub_graphs
    x, y = graph.nodes
    assert x.input_default == {"graph_id": new_middle.id, "user_id": "me", "inputs": {"k": 1}}
    assert y.input_default == {"graph_id": "elsewhere", "user_id": "me", "inputs": {}}
    assert new_middle.nodes[0].input_default["graph_id"] == new_inner.id
    assert new_inner.links[0].source_id == new_inner.nodes[0].id
    assert {new_middle.id, new_inner.id}.isdisjoint({"middle", "inner"})


def test_an_agent_that_runs_itself_still_does() -> None:
    nodes = [agent("x", "g")]
    itself = a_graph(nodes=nodes, links=[]).model_dump()
    graph = create(a_graph(nodes=nodes, links=[], sub_graphs=[itself]), user_id="me")
    assert graph.sub_graphs == []
    assert graph.nodes[0].input_default["graph_id"] == graph.id


def test_a_store_node_that_has_a_graph_id_is_no_agent() -> None:
    graph = create(
        a_graph(nodes=[{"id": "a", "block_id": STORE, "input_default": {"graph_id": "g"}}], links=[]),
        user_id="u",
    )
    assert graph.nodes[0].input_default == {"graph_id": "g"}


def test_picked_values_become_null_and_other_objects_stay() -> None:
    constants = {
        "file": {"_credentials_id": "cred", "id": "f"},
        "empty": {"_credentials_id": None},
        "deep": {"file": {"_credentials_id": "cred"}},
        "other": {"id": "f"},
    }
    graph = create(
        a_graph(nodes=[{"id": "a", "block_id": STORE, "input_default": constants}], links=[]), user_id="u"
    )
    assert graph.nodes[0].input_default == {**constants, "file": None, "empty": None}


def test_update_keeps_known_ids_and_replaces_others() -> None:
    stored = create(a_graph(), user_id="u")
    a, b = (node.id for node in stored.nodes)
    nodes = [
        {"id": a, "block_id": STORE, "input_default": {"input": {"_credentials_id": "mine"}}},
        {"id": "new", "block_id": STORE},
    ]
    links = [link(a, "new", id="m"), link("new", b), stored.links[0].model_dump()]
    sent = a_graph("other", version=77, nodes=nodes, links=links, name="renamed")
    saved = updated(sent, graph_id=stored.id, version=2, user_id="u", previous=stored)
    assert (saved.id, saved.version, saved.name) == (stored.id, 2, "renamed")
    kept, new = saved.nodes
    assert kept.id == a
    assert kept.input_default == {"input": {"_credentials_id": "mine"}}
    assert is_uuid(new.id)
    assert [(x.source_id, x.sink_id) for x in saved.links] == [(a, new.id), (new.id, b), (a, b)]
    assert saved.links[2].id == stored.links[0].id
    assert is_uuid(saved.links[0].id)


def test_update_claims_agent_nodes_and_does_not_take_sub_graphs_from_the_request() -> None:
    stored = create(a_graph(sub_graphs=[a_graph("s").model_dump()]), user_id="u")
    sent = a_graph(
        nodes=[agent("x", "s", user_id="them")], links=[], sub_graphs=[a_graph("evil").model_dump()]
    )
    saved = updated(sent, graph_id=stored.id, version=2, user_id="u", previous=stored)
    assert saved.nodes[0].input_default == {"graph_id": "s", "user_id": "u", "inputs": {}}
    assert saved.sub_graphs == stored.sub_graphs
