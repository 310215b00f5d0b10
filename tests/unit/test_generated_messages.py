import re
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from brazil.formats import reapi_pb
from brazil.formats.reapi_pb import remote_execution_pb2 as generated

SOURCE = Path(reapi_pb.__file__).with_name("remote_execution.proto")
SCALARS = {
    getattr(FieldDescriptor, f"TYPE_{name.upper()}"): name for name in ("bool", "bytes", "int32", "int64", "string")
}


def written(text: str) -> set[str]:
    """What the .proto says, a line for each field or value: `Command.arguments = 1: repeated string`."""
    found: set[str] = set()
    scope: list[str] = []
    for line in re.sub(r"//.*", "", text).splitlines():
        match line.split():
            case ["message" | "enum", name, "{"]:
                scope.append(name)
            case ["}"]:
                scope.pop()
            case [*words, name, "=", number] if scope:
                kind = " ".join([*words[:-1], words[-1].rpartition(".")[2]]) if words else "value"
                found.add(f"{'.'.join(scope)}.{name} = {number.rstrip(';')}: {kind}")
    return found


def known(messages: dict[str, Descriptor], enums: dict[str, EnumDescriptor], scope: str = "") -> Iterator[str]:
    """The same of the generated classes."""
    for name, enum in enums.items():
        yield from (f"{scope}{name}.{value.name} = {value.number}: value" for value in enum.values)
    for name, message in messages.items():
        for field in message.fields:
            target = field.message_type or field.enum_type
            kind = target.name if target else SCALARS[field.type]
            repeated = "repeated " if field.is_repeated else ""
            yield f"{scope}{name}.{field.name} = {field.number}: {repeated}{kind}"
        yield from known(message.nested_types_by_name, message.enum_types_by_name, f"{scope}{name}.")


def test_the_generated_messages_are_those_of_the_proto_file() -> None:
    file = generated.DESCRIPTOR
    says = written(SOURCE.read_text())
    assert "Command.EnvironmentVariable.value = 2: string" in says
    assert "Command.OutputDirectoryFormat.DIRECTORY_ONLY = 1: value" in says
    assert "Directory.symlinks = 3: repeated SymlinkNode" in says
    assert set(known(file.message_types_by_name, file.enum_types_by_name)) == says, "run 'make proto'"
    assert f"package {file.package};" in SOURCE.read_text()
