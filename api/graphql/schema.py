"""The schema: made once, from the types; `docs/schema.graphql` is its text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import strawberry
from graphql import GraphQLError, GraphQLSchema
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from millstream.api.graphql import errors
from millstream.api.graphql.fields import facts_of
from millstream.api.graphql.mutations import Mutation
from millstream.api.graphql.queries import Query
from millstream.api.graphql.subscriptions import Subscriptions


class EdgeSchema(strawberry.Schema):
    """Strawberry's, with our log."""

    def process_errors(
        self, errors_: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Log what is no fault of the caller."""
        for error in errors_:
            errors.note(error)

    @property
    def core(self) -> GraphQLSchema:
        """What graphql-core has of it; Strawberry has no public name for it."""
        return self._schema


def make() -> EdgeSchema:
    """Return the schema. Errors: TypeError: a field at the top does not say who may ask for it."""
    schema = EdgeSchema(
        query=Query,
        mutation=Mutation,
        subscription=Subscriptions,
        config=StrawberryConfig(disable_field_suggestions=True),
    )
    for name, field in root_fields(schema.core).items():
        if facts_of(field).guard is None:
            raise TypeError(f"The field {name} does not say who may ask for it: `metadata=like(...)`.")
    return schema


def root_fields(core: GraphQLSchema) -> Mapping[str, Any]:
    """Return the fields at the top by name, such as `Query.me`."""
    kinds = (core.query_type, core.mutation_type, core.subscription_type)
    return {
        f"{kind.name}.{name}": field
        for kind in kinds
        if kind is not None
        for name, field in kind.fields.items()
    }
