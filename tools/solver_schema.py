"""Generate the JSON Schemas of the solver's messages from protos/ into docs/solver.

Names, types, enums and comments are the contract's. A problem may spell its fields either way (shot_id, shotId); an
answer is printed with the contract's own names. With ``--check`` nothing is written; the exit code says whether the
schemas are up to date.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
TARGET = ROOT / "docs" / "solver"
SCHEMAS = {"problem.schema.json": ("SolveRequest", True), "answer.schema.json": ("SolveResponse", False)}
MESSAGE_FIELD, MESSAGE_NESTED, MESSAGE_ENUM = 2, 3, 4
FILE_MESSAGE, FILE_ENUM = 4, 5
ENUM_VALUE = 2
INTEGER_64 = {"type": ["integer", "string"], "pattern": "^-?[0-9]+$"}
SCALARS: dict[int, dict[str, Any]] = {
    Field.TYPE_BOOL: {"type": "boolean"},
    Field.TYPE_DOUBLE: {"type": "number"},
    Field.TYPE_INT32: {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1},
    Field.TYPE_INT64: INTEGER_64,
    Field.TYPE_STRING: {"type": "string"},
}


class Contract:
    """Messages and enums of solver.proto by name, with their comments."""

    def __init__(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            out = Path(directory) / "solver.pb"
            arguments = ["protoc", f"-I{PROTOS}", f"--descriptor_set_out={out}", "--include_source_info"]
            if protoc.main([*arguments, "moodcut/v1/solver.proto"]) != 0:
                raise SystemExit("protoc failed; its messages are above")
            (file,) = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file
        self._comments = {
            tuple(location.path): " ".join(location.leading_comments.split())
            for location in file.source_code_info.location
        }
        self.messages: dict[str, tuple[descriptor_pb2.DescriptorProto, tuple[int, ...]]] = {}
        self.enums: dict[str, tuple[descriptor_pb2.EnumDescriptorProto, tuple[int, ...]]] = {}
        for index, enum in enumerate(file.enum_type):
            self.enums[f".{file.package}.{enum.name}"] = (enum, (FILE_ENUM, index))
        for index, message in enumerate(file.message_type):
            self._add(message, f".{file.package}", (FILE_MESSAGE, index))

    def _add(self, message: descriptor_pb2.DescriptorProto, scope: str, path: tuple[int, ...]) -> None:
        name = f"{scope}.{message.name}"
        self.messages[name] = (message, path)
        for index, enum in enumerate(message.enum_type):
            self.enums[f"{name}.{enum.name}"] = (enum, (*path, MESSAGE_ENUM, index))
        for index, nested in enumerate(message.nested_type):
            self._add(nested, name, (*path, MESSAGE_NESTED, index))

    def comment(self, *path: int) -> str:
        """What the contract says of the thing at a path."""
        return self._comments.get(path, "")


def schema(contract: Contract, root: str, *, both_spellings: bool) -> dict[str, Any]:
    """The JSON Schema of a message; what it refers to lies in ``$defs``."""
    definitions: dict[str, Any] = {}

    def reference(type_name: str) -> dict[str, str]:
        name = type_name.split(".", 3)[-1]
        if name not in definitions:
            definitions[name] = {}
            definitions[name] = enum(type_name) if type_name in contract.enums else message(type_name)
        return {"$ref": f"#/$defs/{name}"}

    def enum(type_name: str) -> dict[str, Any]:
        found, path = contract.enums[type_name]
        values = [
            {"const": value.name, "description": contract.comment(*path, ENUM_VALUE, index)}
            for index, value in enumerate(found.value)
        ]
        return {"description": contract.comment(*path), "oneOf": values}

    def message(type_name: str) -> dict[str, Any]:
        found, path = contract.messages[type_name]
        properties: dict[str, Any] = {}
        choices: dict[int, list[list[str]]] = {}
        for index, field in enumerate(found.field):
            kind = SCALARS[field.type] if field.type in SCALARS else reference(field.type_name)
            if field.label == Field.LABEL_REPEATED:
                kind = {"type": "array", "items": kind}
            spellings = sorted({field.name, field.json_name}) if both_spellings else [field.name]
            for spelling in spellings:
                properties[spelling] = {"description": contract.comment(*path, MESSAGE_FIELD, index), **kind}
            if field.HasField("oneof_index") and not field.proto3_optional:
                choices.setdefault(field.oneof_index, []).append(spellings)
        result: dict[str, Any] = {
            "type": "object",
            "description": contract.comment(*path),
            "properties": properties,
            "additionalProperties": False,
        }
        exclusive = [
            {"not": {"anyOf": [{"required": [one, two]} for one in first for two in second]}}
            for alternatives in choices.values()
            for place, first in enumerate(alternatives)
            for second in alternatives[place + 1 :]
        ]
        return result | ({"allOf": exclusive} if exclusive else {})

    top = message(f".moodcut.v1.{root}")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": root, **top, "$defs": definitions}


def main() -> int:
    """Write the schemas, or check them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the schemas are out of date")
    check = parser.parse_args().check
    contract = Contract()
    stale = []
    for name, (root, both) in SCHEMAS.items():
        text = json.dumps(schema(contract, root, both_spellings=both), indent=2) + "\n"
        path = TARGET / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if not check:
                TARGET.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
    if check and stale:
        print(f"out of date: {', '.join(stale)}; run `make protos`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
