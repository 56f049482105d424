"""`python -m millstream.schemas.generate`: write the `.avsc` files and give new ids to schemas that changed."""

from __future__ import annotations

import json
from pathlib import Path

from millstream.schemas.avro_schema import avro_schema
from millstream.schemas.messages import MESSAGES

FOLDER = Path(__file__).parent / "avro"


def main(folder: Path = FOLDER) -> list[str]:
    """Write what changed; a released schema keeps its file and id. Returns the names of the files written."""
    folder.mkdir(exist_ok=True)
    index = folder / "ids.json"
    ids: dict[str, str] = json.loads(index.read_text()) if index.exists() else {}
    written = []
    for cls in MESSAGES:
        schema = avro_schema(cls)
        versions = [name for name in ids.values() if name.split(".")[0] == cls.__name__]
        if versions and json.loads((folder / versions[-1]).read_text()) == schema:
            continue
        name = f"{cls.__name__}.v{len(versions) + 1}.avsc"
        (folder / name).write_text(json.dumps(schema, indent=2) + "\n")
        ids[str(len(ids) + 1)] = name
        written.append(name)
    index.write_text(json.dumps(ids, indent=2) + "\n")
    return written


if __name__ == "__main__":
    for name in main():
        print(name)  # noqa: T201 - a command
