"""Airtable: records of a table."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from millstream.processors.annotations import EMPTY, Advanced, Emit, Outputs
from millstream.processors.context import Context
from millstream.processors.credentials import Credentials
from millstream.processors.rest import Service
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockInputError

AIRTABLE = Service(provider="airtable", title="Airtable", url="https://api.airtable.com/v0")
AirtableLogin = Annotated[Credentials, AIRTABLE.takes("api_key")]
AT_ONCE: Final = 10
"""Records of one request that changes, as Airtable has it."""
RECORDS_MOST: Final = 1_000
_LOGIN = {"id": "00000000-0000-4000-8000-000000000003", "provider": "airtable", "type": "api_key"}
_TABLE = {"credentials": _LOGIN, "base_id": "app1", "table_id_or_name": "Drinks"}
_ROW = {"id": "rec1", "createdTime": "2026-01-02T03:04:05.000Z", "fields": {"Name": "Tea"}}
_FIELDS = [
    {"id": "f1", "name": "Name", "type": "singleLineText"},
    {"id": "f2", "name": "Hot", "type": "checkbox"},
    {"id": "f3", "name": "Tags", "type": "multipleSelects"},
    {"id": "f4", "name": "Price", "type": "number"},
]
_WHOLE = {"Name": "Tea", "Hot": False, "Tags": [], "Price": None}
_META = {"tables": [{"id": "tbl1", "name": "Drinks", "fields": _FIELDS}]}
_TEXTS: Final = frozenset(
    {"singleLineText", "multilineText", "richText", "email", "url", "phoneNumber", "singleSelect"}
)


def _served(value: Any) -> tuple[str, str]:
    return "application/json", json.dumps(value)


_PAGES = {
    "/app1/Drinks": _served({"records": [_ROW], "offset": "next"}),
    "/app1/Drinks/rec1": _served(_ROW),
    "/meta/bases/app1/tables": _served(_META),
}


async def _fields(ctx: Context, base_id: str, table: str) -> list[dict[str, Any]]:
    """The fields of a table, as Airtable tells them. Errors: BlockInputError: there is no such table."""
    found = await AIRTABLE.call(ctx, "GET /meta/bases/{base}/tables", path={"base": base_id})
    for each in found["tables"]:
        if table in (each["id"], each["name"]):
            return list(each["fields"])
    raise BlockInputError(f"The base has no table {table!r}.", pin="table_id_or_name")


def _whole(record: dict[str, Any], fields: list[dict[str, Any]]) -> dict[str, Any]:
    """A record with all fields: Airtable leaves out those that are empty."""
    given = record.get("fields", {})
    return {
        **record,
        "fields": {each["name"]: given.get(each["name"], _empty(each["type"])) for each in fields},
    }


def _empty(kind: str) -> Any:
    if kind == "checkbox":
        return False
    if kind.startswith("multiple") and kind != "multipleLookupValues":
        return []
    return "" if kind in _TEXTS else None


def _described(fields: list[dict[str, Any]]) -> dict[str, Any]:
    return {each["name"]: {key: value for key, value in each.items() if key != "name"} for each in fields}


class Listed(Outputs):
    """Pins of AirtableListRecordsBlock."""

    records: list[dict[str, Any]]
    offset: str | None
    field_metadata: dict[str, Any] | None


@block(
    id="588a9fde-5733-4da7-b03c-35f5671e960f",
    name="AirtableListRecordsBlock",
    categories=("DATA",),
    samples=[
        Sample(_TABLE, [("records", [{**_ROW, "fields": _WHOLE}]), ("offset", "next")], serves=_PAGES),
        Sample(
            {**_TABLE, "normalize_output": False, "sort": [{"field": "Name"}]},
            [("records", [_ROW]), ("offset", "next")],
            serves=_PAGES,
        ),
        Sample({**_TABLE, "base_id": "a/../b"}, raises="block_failed", serves=_PAGES),
    ],
)
async def airtable_list_records(
    credentials: AirtableLogin,
    base_id: str,
    table_id_or_name: str,
    filter_formula: Advanced[str] = "",
    view: Advanced[str] = "",
    sort: Advanced[list[dict[str, Any]]] = EMPTY,
    max_records: Advanced[int] = 100,
    page_size: Advanced[int] = 100,
    offset: Advanced[str] = "",
    return_fields: Advanced[list[str]] = EMPTY,
    normalize_output: Advanced[bool] = True,
    include_field_metadata: Advanced[bool] = False,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Listed]]:
    """List records of a table, a page at a time.

    credentials: A personal access token.
    base_id: Id of the base, `app...`.
    table_id_or_name: The table.
    filter_formula: A formula of Airtable; only records for which it holds.
    view: Only records of this view, in its order.
    sort: What to sort by: `{"field": "Name", "direction": "asc"}` each.
    max_records: How many at most, over all pages.
    page_size: How many at once, 1 to 100.
    offset: `offset` of the page before.
    return_fields: Only these fields.
    normalize_output: Give every field, the empty ones too.
    include_field_metadata: Give also what the fields are.
    records: The records.
    offset: Where the next page begins, if there is one.
    field_metadata: What the fields are, by name.
    """
    query: dict[str, Any] = {
        "filterByFormula": filter_formula or None,
        "view": view or None,
        "maxRecords": max(1, max_records),
        "pageSize": min(100, max(1, page_size)),
        "offset": offset or None,
        "fields[]": list(return_fields) or None,
    }
    for number, rule in enumerate(sort[:20]):
        query[f"sort[{number}][field]"] = rule.get("field")
        query[f"sort[{number}][direction]"] = rule.get("direction", "asc")
    path = {"base": base_id, "table": table_id_or_name}
    found = await AIRTABLE.call(ctx, "GET /{base}/{table}", path=path, query=query)
    records = found["records"]
    fields = []
    if normalize_output or include_field_metadata:
        fields = await _fields(ctx, base_id, table_id_or_name)
        if return_fields:
            fields = [each for each in fields if {each["id"], each["name"]} & set(return_fields)]
    yield "records", [_whole(each, fields) for each in records] if normalize_output else records
    if found.get("offset"):
        yield "offset", found["offset"]
    if include_field_metadata:
        yield "field_metadata", _described(fields)


class One(Outputs):
    """Pins of AirtableGetRecordBlock."""

    id: str
    fields: dict[str, Any]
    created_time: str
    field_metadata: dict[str, Any] | None


@block(
    id="c29c5cbf-0aff-40f9-bbb5-f26061792d2b",
    name="AirtableGetRecordBlock",
    categories=("DATA",),
    samples=[
        Sample(
            {**_TABLE, "record_id": "rec1"},
            [("id", "rec1"), ("fields", _WHOLE), ("created_time", _ROW["createdTime"])],
            serves=_PAGES,
        ),
        Sample({**_TABLE, "record_id": "rec2"}, raises="block_failed", serves=_PAGES),
    ],
)
async def airtable_get_record(
    credentials: AirtableLogin,
    base_id: str,
    table_id_or_name: str,
    record_id: str,
    normalize_output: Advanced[bool] = True,
    include_field_metadata: Advanced[bool] = False,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[One]]:
    """Read one record.

    credentials: A personal access token.
    base_id: Id of the base, `app...`.
    table_id_or_name: The table.
    record_id: Id of the record, `rec...`.
    normalize_output: Give every field, the empty ones too.
    include_field_metadata: Give also what the fields are.
    id: Id of the record.
    fields: Its values by name.
    created_time: When it was made.
    field_metadata: What the fields are, by name.
    """
    path = {"base": base_id, "table": table_id_or_name, "record": record_id}
    record = await AIRTABLE.call(ctx, "GET /{base}/{table}/{record}", path=path)
    fields = []
    if normalize_output or include_field_metadata:
        fields = await _fields(ctx, base_id, table_id_or_name)
    yield "id", record["id"]
    yield "fields", (_whole(record, fields) if normalize_output else record)["fields"]
    yield "created_time", record["createdTime"]
    if include_field_metadata:
        yield "field_metadata", _described(fields)


class Created(Outputs):
    """Pins of AirtableCreateRecordsBlock."""

    records: list[dict[str, Any]]
    details: dict[str, Any]


@block(
    id="42527e98-47b6-44ce-ac0e-86b4883721d3",
    name="AirtableCreateRecordsBlock",
    categories=("DATA",),
    repeatable=False,
    samples=[
        Sample(
            {**_TABLE, "records": [{"Name": "Tea"}]},
            [("records", [{**_ROW, "fields": _WHOLE}])],
            serves=_PAGES,
        ),
        Sample({**_TABLE, "records": []}, raises="block_input_invalid"),
    ],
)
async def airtable_create_records(
    credentials: AirtableLogin,
    base_id: str,
    table_id_or_name: str,
    records: list[dict[str, Any]],
    skip_normalization: Advanced[bool] = False,
    typecast: Advanced[bool] = False,
    return_fields_by_field_id: Advanced[bool | None] = None,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Created]]:
    """Add records to a table, up to a thousand; ten go at once.

    credentials: A personal access token.
    base_id: Id of the base, `app...`.
    table_id_or_name: The table.
    records: The records: values by name of the field, or `{"fields": {...}}` each.
    skip_normalization: Give the records as Airtable does, without empty fields.
    typecast: Let Airtable convert texts to the types of the fields.
    return_fields_by_field_id: Give fields by id instead of name.
    records: The records as they are now.
    details: What Airtable says besides, if it does.
    """
    wanted = [each if each.keys() == {"fields"} else {"fields": each} for each in _some(records)]
    more = {"typecast": typecast, "returnFieldsByFieldId": return_fields_by_field_id}
    made, details = await _in_parts(ctx, "POST", base_id, table_id_or_name, wanted, more)
    if not skip_normalization and not return_fields_by_field_id:
        fields = await _fields(ctx, base_id, table_id_or_name)
        made = [_whole(each, fields) for each in made]
    yield "records", made
    if details:
        yield "details", details


class Updated(Outputs):
    """Pins of AirtableUpdateRecordsBlock."""

    records: list[dict[str, Any]]


@block(
    id="6e7d2590-ac2b-4b5d-b08c-fc039cd77e1f",
    name="AirtableUpdateRecordsBlock",
    categories=("DATA",),
    samples=[
        Sample(
            {**_TABLE, "records": [{"id": "rec1", "fields": {"Name": "Tea"}}]},
            [("records", [_ROW])],
            serves=_PAGES,
        ),
        Sample({**_TABLE, "records": [{"Name": "Tea"}]}, raises="block_input_invalid"),
    ],
)
async def airtable_update_records(
    credentials: AirtableLogin,
    base_id: str,
    table_id_or_name: str,
    records: list[dict[str, Any]],
    typecast: Advanced[bool | None] = None,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Updated]]:
    """Change fields of records, up to a thousand; ten go at once. Fields that are not named stay.

    credentials: A personal access token.
    base_id: Id of the base, `app...`.
    table_id_or_name: The table.
    records: `{"id": "rec...", "fields": {...}}` each.
    typecast: Let Airtable convert texts to the types of the fields.
    records: The records as they are now.
    """
    for each in _some(records):
        if not isinstance(each.get("id"), str) or not isinstance(each.get("fields"), dict):
            raise BlockInputError('Each record is {"id": "rec...", "fields": {...}}.', pin="records")
    more = {"typecast": typecast}
    changed, _ = await _in_parts(ctx, "PATCH", base_id, table_id_or_name, records, more)
    yield "records", changed


def _some(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if not 1 <= len(records) <= RECORDS_MOST:
        raise BlockInputError(f"There are {len(records)} records; give 1 to {RECORDS_MOST}.", pin="records")
    return records


async def _in_parts(
    ctx: Context, method: str, base_id: str, table: str, records: list[dict[str, Any]], more: dict[str, Any]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    found: list[dict[str, Any]] = []
    details: dict[str, Any] = {}
    path = {"base": base_id, "table": table}
    for at in range(0, len(records), AT_ONCE):
        ask = {"records": records[at : at + AT_ONCE], **more}
        got = await AIRTABLE.call(ctx, f"{method} /{{base}}/{{table}}", path=path, json=ask)
        found += got["records"]
        details |= got.get("details") or {}
        ctx.progress((at + AT_ONCE) / len(records) if at + AT_ONCE < len(records) else 1.0, "records written")
    return found, details
