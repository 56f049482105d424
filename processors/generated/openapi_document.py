"""Reading an OpenAPI document (3.0, 3.1): its operations as plain data, with JSON Schemas that stand for themselves.

What comes in is somebody else's: it is bounded, parsed without tags, in a process that can be killed, and refers to nothing
outside of itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NotRequired
from urllib.parse import urljoin, urlsplit

from typing_extensions import TypedDict

from millstream.processors.generated.openapi_schemas import Schemas, resolved
from millstream.schemas.errors import BlockInputError

DOCUMENT_LIMIT_CHARS: Final = 12_000_000
OPERATIONS_LIMIT: Final = 2_000
METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch")
JSON_TYPES: Final = ("application/json", "application/*", "*/*")
FORM: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"


class Parameter(TypedDict):
    """One value in the path, the query or a header."""

    name: str
    place: str
    required: bool
    description: str
    schema: dict[str, Any]
    explode: bool


class Body(TypedDict):
    """What a request has below its headers."""

    form: str
    """`json`, `form`, `multipart`, or `text`."""
    media_type: str
    required: bool
    description: str
    schema: dict[str, Any]


class LoginFacts(TypedDict):
    """How one logs in: type of the credential, and where its value stands."""

    type: str
    place: str
    name: str
    prefix: str


class Operation(TypedDict):
    """One operation, ready to be called."""

    id: str
    method: str
    path: str
    server: str
    summary: str
    description: str
    parameters: list[Parameter]
    body: Body | None
    answer: dict[str, Any] | None
    """Schema of the answer, if it is JSON."""
    definitions: dict[str, Any]
    """`$defs` that the schemas of parameters and body refer to."""
    login: LoginFacts | None
    login_needed: NotRequired[bool]


class Document(TypedDict):
    """What a document says."""

    title: str
    version: str
    description: str
    operations: list[Operation]


def read(text: str, base: str = "", only: str = "") -> Document:
    """Return the operations of a document in JSON or YAML. `base`: its own address, for servers without a host.

    `only`: the id of the one that is wanted; `operation_id` and `operationId` are taken for the same.

    Errors: BlockInputError: it is too long, no OpenAPI 3, or refers to other documents.
    """
    root = _parsed(text)
    version = root.get("openapi")
    if not isinstance(version, str) or not version.startswith(("3.0", "3.1")):
        known = root.get("swagger") or version
        raise BlockInputError(
            f"This is OpenAPI {known}; give a document of 3.0 or 3.1."
            if known
            else "This is no OpenAPI document: it has no `openapi`."
        )
    info = _mapping(root.get("info"))
    operations: list[Operation] = []
    taken: set[str] = set()
    for path, method, item, found in _iter(root):
        id_ = _identifier(_string(found.get("operationId")) or f"{method}_{path}")
        while id_ in taken:
            id_ += "_"
        taken.add(id_)
        if len(taken) > OPERATIONS_LIMIT:
            raise BlockInputError(f"The document has more than {OPERATIONS_LIMIT} operations.")
        if not only or id_ == _identifier(only):
            operations.append(_Reader(root, base).read(id_, path, method, item, found))
    return Document(
        title=_string(info.get("title"))[:200] or "API",
        version=_string(info.get("version"))[:50],
        description=_string(info.get("description"))[:2_000],
        operations=operations,
    )


def _parsed(text: str) -> dict[str, Any]:
    if len(text) > DOCUMENT_LIMIT_CHARS:
        raise BlockInputError(f"The document has more than {DOCUMENT_LIMIT_CHARS:,} characters.")
    try:
        value = json.loads(text) if text.lstrip().startswith("{") else _yaml(text)
    except (ValueError, RecursionError) as error:
        raise BlockInputError(f"The document cannot be read: {str(error)[:300]}.") from error
    if not isinstance(value, dict):
        raise BlockInputError("This is no OpenAPI document: it is no object.")
    return value


def _yaml(text: str) -> Any:
    """A value of plain YAML: no tags, and no anchors, which grow without limit."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError
    from ruamel.yaml.events import AliasEvent

    try:
        if any(isinstance(event, AliasEvent) for event in YAML(typ="safe", pure=True).parse(text)):
            raise ValueError("it has YAML aliases; write it out, or as JSON")
        value = YAML(typ="safe", pure=True).load(text)
        return json.loads(json.dumps(value, default=str))  # keys and dates as JSON has them
    except (YAMLError, TypeError) as error:
        raise ValueError(" ".join(str(error).split())[:300]) from error


def _iter(root: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any], Mapping[str, Any]]]:
    for path, item in _mapping(root.get("paths")).items():
        item = _mapping(resolved(root, item))
        for method in METHODS:
            found = item.get(method)
            if isinstance(found, dict) and isinstance(path, str) and path.startswith("/"):
                yield path, method, item, found


class _Reader:
    """Reads one operation."""

    def __init__(self, root: Mapping[str, Any], base: str) -> None:
        self._root = root
        self._base = base
        self._schemas = Schemas(root)

    def read(
        self, id_: str, path: str, method: str, item: Mapping[str, Any], found: Mapping[str, Any]
    ) -> Operation:
        summary = _string(found.get("summary") or item.get("summary"))
        login, needed = self._login(found)
        named: dict[tuple[str, str], Parameter] = {}
        for each in [*_list(item.get("parameters")), *_list(found.get("parameters"))]:
            parameter = self._parameter(_mapping(resolved(self._root, each)))
            if parameter is not None:
                named[parameter["place"], parameter["name"]] = parameter
        body = self._body(_mapping(resolved(self._root, found.get("requestBody"))))
        definitions = self._schemas.definitions()
        return Operation(
            id=id_,
            method=method.upper(),
            path=path,
            server=self._server(found, item),
            summary=summary[:300],
            description=_string(found.get("description"))[:2_000],
            parameters=list(named.values()),
            body=body,
            answer=self._answer(found),
            definitions=definitions,
            login=login,
            login_needed=needed,
        )

    def _server(self, found: Mapping[str, Any], item: Mapping[str, Any]) -> str:
        for owner in (found, item, self._root):
            for server in _list(owner.get("servers")):
                url = _string(_mapping(server).get("url"))
                for name, variable in _mapping(_mapping(server).get("variables")).items():
                    url = url.replace(f"{{{name}}}", str(_mapping(variable).get("default", "")))
                url = urljoin(self._base, url) if self._base else url
                if urlsplit(url).scheme in ("http", "https"):
                    return url
        return urljoin(self._base, "/") if self._base else ""

    def _parameter(self, found: Mapping[str, Any]) -> Parameter | None:
        name, place = found.get("name"), found.get("in")
        if not isinstance(name, str) or place not in ("path", "query", "header"):
            return None  # cookies are for browsers
        if place == "header" and name.lower() in ("accept", "content-type", "authorization"):
            return None
        schema = found.get("schema")
        if schema is None:
            for media in _mapping(found.get("content")).values():
                schema = _mapping(media).get("schema")
        return Parameter(
            name=name,
            place=str(place),
            required=place == "path" or found.get("required") is True,
            description=_string(found.get("description"))[:1_000],
            schema=self._schemas.read(schema if schema is not None else {}),
            explode=found.get("explode", True) is not False,
        )

    def _body(self, found: Mapping[str, Any]) -> Body | None:
        content = {
            str(kind).partition(";")[0].strip().lower(): each
            for kind, each in _mapping(found.get("content")).items()
        }
        if not content:
            return None
        for form, kinds in (
            ("json", [kind for kind in content if kind in JSON_TYPES or kind.endswith("+json")]),
            ("multipart", [MULTIPART] if MULTIPART in content else []),
            ("form", [FORM] if FORM in content else []),
            ("text", list(content)),
        ):
            if kinds:
                media = _mapping(content[kinds[0]])
                return Body(
                    form=form,
                    media_type="application/json" if "*" in kinds[0] else kinds[0],
                    required=found.get("required") is True,
                    description=_string(found.get("description"))[:1_000],
                    schema={"type": "string"}
                    if form == "text"
                    else self._schemas.read(media.get("schema", {})),
                )
        return None

    def _answer(self, found: Mapping[str, Any]) -> dict[str, Any] | None:
        answers = _mapping(found.get("responses"))
        for status in (*sorted(str(key) for key in answers if str(key).startswith("2")), "default"):
            answer = _mapping(resolved(self._root, answers.get(status)))
            for kind, media in _mapping(answer.get("content")).items():
                if "json" in str(kind) or kind == "*/*":
                    own = Schemas(self._root)
                    schema = own.read(_mapping(media).get("schema", {}))
                    definitions = own.definitions()
                    return {**schema, "$defs": definitions} if definitions else schema
        return None

    def _login(self, found: Mapping[str, Any]) -> tuple[LoginFacts | None, bool]:
        """The first way to log in with one credential, and whether there is no way without."""
        wanted = _list(found["security"] if "security" in found else self._root.get("security"))
        schemes = _mapping(_mapping(self._root.get("components")).get("securitySchemes"))
        free = not wanted or any(not each for each in wanted)
        for each in wanted:
            if len(_mapping(each)) != 1:
                continue
            [name] = _mapping(each)
            facts = _login_of(_mapping(resolved(self._root, schemes.get(name))))
            if facts is not None:
                return facts, not free
        return None, False


def _login_of(scheme: Mapping[str, Any]) -> LoginFacts | None:
    kind, way = scheme.get("type"), str(scheme.get("scheme", "")).lower()
    if kind == "apiKey" and scheme.get("in") in ("header", "query"):
        name = _string(scheme.get("name")) or "X-API-Key"
        return LoginFacts(type="api_key", place=str(scheme["in"]), name=name, prefix="")
    if kind == "http" and way == "basic":
        return LoginFacts(type="user_password", place="header", name="Authorization", prefix="Basic ")
    if (kind == "http" and way == "bearer") or kind in ("oauth2", "openIdConnect"):
        type_ = "api_key" if kind == "http" else "oauth2"
        return LoginFacts(type=type_, place="header", name="Authorization", prefix="Bearer ")
    return None


def _identifier(text: str) -> str:
    """`list_pets` of `listPets`, `get_pets_id` of `get_/pets/{id}`: a name that Python and people can read."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", text)
    name = re.sub(r"[^A-Za-z0-9]+", "_", spaced).strip("_").lower()[:100]
    return name if name[:1].isalpha() else f"op_{name}"


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _string(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""
