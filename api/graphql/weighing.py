"""What a document would cost, and which rights it needs: told before anything of it runs.

Fragments are weighed once and counted wherever they are spread, so a document that names itself often (A51: limits dodged by
fragments, strawberry CVE-2026-47707) costs us nothing to refuse. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_list_type,
)

from millstream.api.auth.guards import Guard
from millstream.api.graphql.fields import Facts, facts_of
from millstream.api.graphql.settings import GraphqlSettings
from millstream.schemas.errors import ForbiddenError, InputInvalidError, QueryTooCostlyError

LIST_LENGTH = 10
"""Taken as the length of a list that has no pages."""
TYPE_LIST_LENGTH = 5
"""The same for lists of the schema's own description."""
DESCRIPTION_DEPTH = 10
"""How much deeper than other fields the schema's own description may be asked: a type of a type of a type."""


@dataclass(frozen=True, slots=True)
class Weight:
    """What a selection asks for, fragments expanded."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    cost: int = 0
    guards: frozenset[Guard] = frozenset()

    def __add__(self, other: Weight) -> Weight:
        return Weight(
            max(self.depth, other.depth),
            self.fields + other.fields,
            self.aliases + other.aliases,
            self.cost + other.cost,
            self.guards | other.guards,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """An operation that may run, if its guards let the caller through."""

    type: OperationType
    weight: Weight
    roots: tuple[Guard, ...]
    """Of each field at the top: what it does."""


@dataclass(slots=True)
class _Scale:
    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]
    settings: GraphqlSettings
    known: dict[str, Weight] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)

    def selection(self, node: SelectionSetNode | None, parent: GraphQLNamedType | None) -> Weight:
        total = Weight()
        for each in node.selections if node else ():
            if isinstance(each, FieldNode):
                total += self.field(each, parent)
            elif isinstance(each, FragmentSpreadNode):
                total += self.fragment(each.name.value)
            elif isinstance(each, InlineFragmentNode):
                condition = each.type_condition
                inner = self.schema.get_type(condition.name.value) if condition else parent
                total += self.selection(each.selection_set, inner)
        return total

    def fragment(self, name: str) -> Weight:
        if name in self.open:
            raise InputInvalidError(f"The fragment {name!r} spreads itself.")
        if name not in self.known:
            node = self.fragments.get(name)
            if node is None:
                return Weight(cost=1)  # validation says so
            self.open.add(name)
            self.known[name] = self.selection(
                node.selection_set, self.schema.get_type(node.type_condition.name.value)
            )
            self.open.discard(name)
        return self.known[name]

    def field(self, node: FieldNode, parent: GraphQLNamedType | None) -> Weight:
        name = node.name.value
        describes = name in ("__schema", "__type")
        if describes and not self.settings.introspection:
            raise ForbiddenError("The schema is not told here (introspection is off); the manual has it.")
        found = _field_of(self.schema, parent, name)
        facts = facts_of(found) if found else Facts()
        below = self.selection(node.selection_set, get_named_type(found.type) if found else None)
        times = self.length(node, found, facts, parent)
        depth = max(1, below.depth + 1 - (DESCRIPTION_DEPTH if describes else 0))
        guards = below.guards if facts.guard is None else below.guards | {facts.guard}
        alias = int(node.alias is not None and node.alias.value != name)
        return Weight(depth, below.fields + 1, below.aliases + alias, facts.cost + times * below.cost, guards)

    def length(
        self, node: FieldNode, found: GraphQLField | None, facts: Facts, parent: GraphQLNamedType | None
    ) -> int:
        """Return how often what is below a field may be in the answer."""
        if found is None:
            return 1
        if "first" in found.args:
            return self.asked(node, int(found.args["first"].default_value or 1))
        if not is_list_type(get_nullable_type(found.type)):
            return 1
        if parent is not None and parent.name.endswith("Connection"):
            return 1  # its pages are counted where they are asked for
        if parent is not None and parent.name.startswith("__"):
            return TYPE_LIST_LENGTH
        return facts.length or LIST_LENGTH

    def asked(self, node: FieldNode, default: int) -> int:
        for argument in node.arguments or ():
            if argument.name.value != "first":
                continue
            value = argument.value
            if isinstance(value, IntValueNode):
                return max(1, int(value.value))
            if isinstance(value, VariableNode):
                given = self.variables.get(value.name.value, default)
                return max(1, given) if isinstance(given, int) else default
        return default


def weigh(
    schema: GraphQLSchema,
    document: DocumentNode,
    settings: GraphqlSettings,
    *,
    operation_name: str | None,
    variables: Mapping[str, Any],
) -> Weighed:
    """Weigh the operation that is to run. Errors: InputInvalidError, ForbiddenError, QueryTooCostlyError."""
    operation = _operation(document, operation_name)
    fragments = {
        each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)
    }
    defaults = {
        each.variable.name.value: int(each.default_value.value)
        for each in operation.variable_definitions or ()
        if isinstance(each.default_value, IntValueNode)
    }
    scale = _Scale(schema, fragments, {**defaults, **variables}, settings)
    root = schema.get_root_type(operation.operation)
    try:
        weight = scale.selection(operation.selection_set, root)
        _check(weight, settings)  # before fragments are really expanded
        roots = tuple(_roots(scale, operation.selection_set, root))
    except RecursionError as error:
        raise QueryTooCostlyError(
            "The document has too many fields and fragments within each other.", what="depth"
        ) from error
    return Weighed(type=operation.operation, weight=weight, roots=roots)


def _operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    found = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    if name is not None:
        found = [each for each in found if each.name is not None and each.name.value == name]
    if len(found) != 1:
        raise InputInvalidError(
            f"The document has {len(found)} operations"
            + (f" with the name {name[:100]!r}." if name else "; say in `operationName` which one.")
        )
    return found[0]


def _roots(scale: _Scale, node: SelectionSetNode, root: GraphQLNamedType | None) -> list[Guard]:
    """Return the guards of the fields at the top, each as often as it is there. Called after `selection`: no cycles."""
    guards: list[Guard] = []
    for each in node.selections:
        if isinstance(each, FieldNode):
            found = _field_of(scale.schema, root, each.name.value)
            guard = facts_of(found).guard if found else None
            guards += [] if guard is None else [guard]
        elif isinstance(each, InlineFragmentNode):
            guards += _roots(scale, each.selection_set, root)
        elif isinstance(each, FragmentSpreadNode) and each.name.value in scale.fragments:
            guards += _roots(scale, scale.fragments[each.name.value].selection_set, root)
    return guards


def _field_of(schema: GraphQLSchema, parent: GraphQLNamedType | None, name: str) -> GraphQLField | None:
    if parent is None or not hasattr(parent, "fields"):
        return None
    return schema.get_field(parent, name)  # type: ignore[arg-type]  # it has fields


def _check(weight: Weight, settings: GraphqlSettings) -> None:
    for what, most in (("depth", settings.depth), ("aliases", settings.aliases), ("cost", settings.cost)):
        found = getattr(weight, what)
        if found > most:
            raise QueryTooCostlyError(
                f"The {what} of the document is {min(found, 10**12):,} with its fragments expanded, the limit is {most:,}; "
                "ask for less, or for smaller pages.",
                what=what,
                limit=most,
            )
