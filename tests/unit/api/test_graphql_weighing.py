from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from graphql import get_introspection_query, parse
from hypothesis import given
from hypothesis import strategies as st

from millstream.api.auth.principal import Scope
from millstream.api.graphql.schema import make, root_fields
from millstream.api.graphql.settings import GraphqlSettings
from millstream.api.graphql.weighing import Weighed, weigh
from millstream.schemas.errors import ForbiddenError, InputInvalidError, QueryTooCostlyError

SCHEMA = make()
SETTINGS = GraphqlSettings()
WIDE = replace(SETTINGS, depth=10**9, aliases=10**9, cost=10**9)


def weighed(
    document: str,
    settings: GraphqlSettings = SETTINGS,
    *,
    name: str | None = None,
    **variables: Any,
) -> Weighed:
    return weigh(SCHEMA.core, parse(document), settings, operation_name=name, variables=variables)


def test_every_field_at_the_top_says_who_may_ask_for_it() -> None:
    assert len(root_fields(SCHEMA.core)) > 15


def test_pages_multiply_what_is_below_them() -> None:
    small = weighed("{ executions(first: 10) { edges { node { id } } } }", WIDE).weight.cost
    large = weighed("{ executions(first: 100) { edges { node { id } } } }", WIDE).weight.cost
    default = weighed("{ executions { edges { node { id } } } }", WIDE).weight.cost
    assert (small, default, large) == (5 + 10 * 3, 5 + 25 * 3, 5 + 100 * 3)


def test_a_page_is_as_large_as_its_variable() -> None:
    document = "query q($n: Int! = 7) { executions(first: $n) { edges { cursor } } }"
    assert weighed(document, WIDE).weight.cost == 5 + 7 * 2
    assert weighed(document, WIDE, n=200).weight.cost == 5 + 200 * 2


def test_pages_within_pages_are_refused() -> None:
    inner = "nodeExecutions(first: 1000) { edges { node { id nodeId status } } }"
    with pytest.raises(QueryTooCostlyError, match="cost"):
        weighed(f"{{ executions(first: 250) {{ edges {{ node {{ {inner} }} }} }} }}")


def test_fields_within_fields_are_counted_through_fragments() -> None:
    deep = "fragment f0 on Execution { id }"
    for number in range(1, 14):
        deep += f" fragment f{number} on Execution {{ parent {{ ...f{number - 1} }} }}"
    with pytest.raises(QueryTooCostlyError, match="depth"):
        weighed('{ execution(id: "x") { ...f13 } } ' + deep)


def test_aliases_are_counted_through_fragments() -> None:
    fragment = "fragment f on Query { " + " ".join(f"a{n}: me {{ id }}" for n in range(11)) + " }"
    assert weighed("{ ...f ...f } " + fragment).weight.aliases == 22
    with pytest.raises(QueryTooCostlyError, match="aliases"):
        weighed("{ ...f ...f ... on Query { ...f } } " + fragment)


def test_fragments_that_double_each_other_cost_nothing_to_refuse() -> None:
    document = "{ ...f0 } " + " ".join(
        f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(150)
    )
    for leaf in ("__typename", "me { id }", "...nowhere", "nothing"):
        with pytest.raises(QueryTooCostlyError, match="cost"):
            weighed(document + f" fragment f150 on Query {{ {leaf} }}")


@pytest.mark.parametrize(
    "document",
    [
        "{ ...a } fragment a on Query { ...a }",
        "{ ...a } fragment a on Query { ...b } fragment b on Query { me { id } ...a }",
        "{ ...a } fragment a on Query { me { id ...b } } fragment b on Me { ...a }",
    ],
)
def test_a_fragment_that_spreads_itself_is_refused(document: str) -> None:
    with pytest.raises(InputInvalidError, match="itself"):
        weighed(document)


def test_a_very_deep_document_is_refused_not_fatal() -> None:
    document = "{ ...f0 } " + " ".join(
        f"fragment f{n} on Query {{ ... on Query {{ ...f{n + 1} }} }}" for n in range(3000)
    )
    with pytest.raises(QueryTooCostlyError, match="depth|within each other"):
        weighed(document + " fragment f3000 on Query { me { id } }")


def test_rights_are_those_of_every_field_wherever_it_hides() -> None:
    document = """
    query q { me { id } ...a @include(if: false) }
    fragment a on Query { executions { edges { node { nodeExecutions { edges { node { block { name } } } } } } } }
    """
    scopes = {guard.scope for guard in weighed(document, WIDE).weight.guards}
    assert scopes == {Scope.IDENTITY, Scope.READ_GRAPH, Scope.READ_BLOCK}


def test_each_alias_of_a_change_is_a_change() -> None:
    document = """
    mutation { a: stopExecution(id: "x") { id } ...more ... on Mutation { c: stopExecution(id: "x") { id } } }
    fragment more on Mutation { b: stopExecution(id: "x") { id } }
    """
    assert [guard.scope for guard in weighed(document).roots] == [Scope.EXECUTE_GRAPH] * 3


def test_the_operation_is_the_one_that_is_named() -> None:
    document = "query a { me { id } } query b { blocks { id } }"
    assert {guard.scope for guard in weighed(document, name="b").weight.guards} == {Scope.READ_BLOCK}
    for name in (None, "c"):
        with pytest.raises(InputInvalidError, match="operations"):
            weighed(document, name=name)


def test_the_schema_is_told_unless_that_is_off() -> None:
    closed = replace(SETTINGS, introspection=False)
    assert weighed(get_introspection_query()).weight.guards == frozenset()
    for document in (
        get_introspection_query(),
        '{ __type(name: "Me") { name } }',
        "{ ...f } fragment f on Query { __schema { types { name } } }",
    ):
        with pytest.raises(ForbiddenError, match="introspection"):
            weighed(document, closed)
    weighed("{ __typename me { __typename } }", closed)


def test_types_of_types_are_counted_too() -> None:
    below = "name"
    for _ in range(8):
        below = f"fields {{ type {{ {below} }} }}"
    with pytest.raises(QueryTooCostlyError):
        weighed(f"{{ __schema {{ types {{ {below} }} }} }}")


LEAVES = ("id", "status", "a: id", "graph { name }", "outputs { name }")


@st.composite
def selections(draw: st.DrawFn, depth: int = 3) -> str:
    """What may be asked of an execution, inline."""
    parts = draw(st.lists(st.sampled_from(LEAVES), min_size=1, max_size=3))
    if depth:
        for inner in draw(st.lists(selections(depth - 1), max_size=2)):
            kind = draw(st.sampled_from(("parent { %s }", "... on Execution { %s }", "p: parent { %s }")))
            parts.append(kind % inner)
    return " ".join(parts)


@given(st.lists(selections(), min_size=1, max_size=3), st.integers(1, 3))
def test_a_fragment_weighs_as_if_it_were_written_out(bodies: list[str], times: int) -> None:
    inline = " ".join(f"... on Execution {{ {body} }}" for body in bodies) + " "
    spread = " ".join(f"...f{n}" for n in range(len(bodies))) + " "
    fragments = " ".join(f"fragment f{n} on Execution {{ {body} }}" for n, body in enumerate(bodies))
    one = weighed(f'{{ execution(id: "x") {{ {inline * times} }} }}', WIDE)
    other = weighed(f'{{ execution(id: "x") {{ {spread * times} }} }} {fragments}', WIDE)
    assert one == other
