"""Writes the code: one function per language, from records to the files of an artifact.

What does not depend on the records stands here as it comes out, but for `@module@` and `@note@`.
"""

from collections.abc import Callable, Mapping

from event_forge.schema import Record

_NOTE = "Made by EventForge from a schema; change that."

_PYTHON = '''\
"""@note@"""

from typing import NamedTuple, Self

_ESCAPES = {"\\\\": "\\\\\\\\", "\\t": "\\\\t", "\\n": "\\\\n"}
_MEANT = {"\\\\\\\\": "\\\\", "\\\\t": "\\t", "\\\\n": "\\n"}


def _line(*values: str | int) -> str:
    texts = []
    for value in values:
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise ValueError(f"{value} does not fit in 64 bits")
        texts.append("".join(_ESCAPES.get(character, character) for character in str(value)))
    return "\\t".join(texts)


def _fields(line: str, record: str, count: int) -> list[str] | None:
    kind, *fields = line.removesuffix("\\n").split("\\t")
    if kind != record:
        return None
    if len(fields) != count:
        raise ValueError(f"a line of {record} has {count} fields: {line!r}")
    return fields


def _text(field: str) -> str:
    found, at = [], 0
    while at < len(field):
        step = 2 if field[at] == "\\\\" else 1
        part = field[at : at + step]
        if step == 2 and part not in _MEANT:
            raise ValueError(f"{part!r} means nothing in {field!r}")
        found.append(_MEANT.get(part, part))
        at += step
    return "".join(found)


def _integer(field: str) -> int:
    digits = field.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or str(int(field)) != field or not -(2**63) <= int(field) < 2**63:
        raise ValueError(f"{field!r} is no integer of 64 bits")
    return int(field)
'''


def python(module: str, records: tuple[Record, ...]) -> dict[str, str]:
    """Write a module with one NamedTuple per record."""
    parts = [_begin(_PYTHON, module)]
    for record in records:
        types = {"text": "str", "integer": "int"}
        reads = ", ".join(f"_{field.type}(fields[{at}])" for at, field in enumerate(record.fields))
        parts.append(
            f"\n\nclass {record.name}(NamedTuple):\n"
            + "".join(f"    {field.name}: {types[field.type]}\n" for field in record.fields)
            + "\n    def write(self) -> str:\n"
            + f'        """Return the line, without its end."""\n        return _line("{record.name}", *self)\n'
            + "\n    @classmethod\n    def read(cls, line: str) -> Self | None:\n"
            + '        """Read a line; None when it is of another record.\n\n        Raises:\n'
            + '            ValueError: it is wrong.\n        """\n'
            + f'        fields = _fields(line, "{record.name}", {len(record.fields)})\n'
            + f"        return None if fields is None else cls({reads})\n"
        )
    return {f"python/{module}.py": "".join(parts)}


_CPP = """\
// @note@
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace @module@ {

namespace detail {

inline std::string written(std::int64_t value) { return std::to_string(value); }

inline std::string written(std::string_view value) {
    std::string text;
    for (const char character : value) {
        switch (character) {
        case '\\\\': text += "\\\\\\\\"; break;
        case '\\t': text += "\\\\t"; break;
        case '\\n': text += "\\\\n"; break;
        default: text += character;
        }
    }
    return text;
}

inline std::optional<std::vector<std::string_view>> fields(std::string_view line, std::string_view record,
                                                           std::size_t count) {
    std::vector<std::string_view> found;
    if (!line.empty() && line.back() == '\\n') line.remove_suffix(1);
    for (std::size_t begin = 0; begin <= line.size();) {
        const auto end = std::min(line.find('\\t', begin), line.size());
        found.push_back(line.substr(begin, end - begin));
        begin = end + 1;
    }
    if (found.empty() || found.front() != record) return std::nullopt;
    found.erase(found.begin());
    if (found.size() != count) throw std::invalid_argument("a line of " + std::string(record) + " has other fields");
    return found;
}

inline void read(std::string_view field, std::string &value) {
    value.clear();
    for (std::size_t at = 0; at < field.size(); ++at) {
        if (field[at] != '\\\\') {
            value += field[at];
            continue;
        }
        const char meant = ++at < field.size() ? field[at] : ' ';
        if (meant != '\\\\' && meant != 't' && meant != 'n') throw std::invalid_argument("an escape means nothing");
        value += meant == 't' ? '\\t' : meant == 'n' ? '\\n' : '\\\\';
    }
}

inline void read(std::string_view field, std::int64_t &value) {
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
    if (error != std::errc{} || end != field.data() + field.size() || written(value) != field)
        throw std::invalid_argument("no integer of 64 bits: " + std::string(field));
}

}  // namespace detail
"""


def cpp(module: str, records: tuple[Record, ...]) -> dict[str, str]:
    """Write a header with one struct per record."""
    parts = [_begin(_CPP, module)]
    for record in records:
        types = {"text": "std::string", "integer": "std::int64_t"}
        writes = "".join(f" + '\\t' + detail::written({field.name})" for field in record.fields)
        parts.append(
            f"\nstruct {record.name} {{\n"
            + "".join(f"    {types[field.type]} {field.name}{{}};\n" for field in record.fields)
            + "\n    // The line, without its end.\n"
            + f'    std::string write() const {{ return std::string("{record.name}"){writes}; }}\n'
            + "\n    // Nothing when the line is of another record; throws std::invalid_argument when it is wrong.\n"
            + f"    static std::optional<{record.name}> read(std::string_view line) {{\n"
            + f'        const auto fields = detail::fields(line, "{record.name}", {len(record.fields)});\n'
            + f"        if (!fields) return std::nullopt;\n        {record.name} record;\n"
            + "".join(f"        detail::read((*fields)[{a}], record.{f.name});\n" for a, f in enumerate(record.fields))
            + "        return record;\n    }\n};\n"
        )
    return {f"include/{module}.hpp": "".join(parts) + f"\n}}  // namespace {module}\n"}


_JAVA = """\
// @note@
package @module@;

import java.util.ArrayList;
import java.util.List;

final class Lines {
    private Lines() {}

    static String written(String value) {
        return value.replace("\\\\", "\\\\\\\\").replace("\\t", "\\\\t").replace("\\n", "\\\\n");
    }

    /** The fields of a line, or null when it is of another record. */
    static List<String> fields(String line, String record, int count) {
        String text = line.endsWith("\\n") ? line.substring(0, line.length() - 1) : line;
        List<String> found = new ArrayList<>(List.of(text.split("\\t", -1)));
        if (!found.remove(0).equals(record)) return null;
        if (found.size() != count) throw new IllegalArgumentException("a line of " + record + " has other fields");
        return found;
    }

    static String text(String field) {
        StringBuilder value = new StringBuilder();
        for (int at = 0; at < field.length(); at++) {
            if (field.charAt(at) != '\\\\') {
                value.append(field.charAt(at));
                continue;
            }
            switch (++at < field.length() ? field.charAt(at) : ' ') {
                case '\\\\' -> value.append('\\\\');
                case 't' -> value.append('\\t');
                case 'n' -> value.append('\\n');
                default -> throw new IllegalArgumentException("an escape means nothing: " + field);
            }
        }
        return value.toString();
    }

    static long integer(String field) {
        long value = Long.parseLong(field);
        if (!Long.toString(value).equals(field)) throw new IllegalArgumentException("no integer of 64 bits: " + field);
        return value;
    }
}
"""


def java(module: str, records: tuple[Record, ...]) -> dict[str, str]:
    """Write sources with one record class each, and the list of them for javac."""
    folder = f"share/java/{module}"
    files = {f"{folder}/Lines.java": _begin(_JAVA, module)}
    for record in records:
        types, write = {"text": "String", "integer": "long"}, {"text": "Lines.written({})", "integer": "{}"}
        components = ", ".join(f"{types[field.type]} {field.name}" for field in record.fields)
        writes = "".join(f' + "\\t" + {write[field.type].format(field.name)}' for field in record.fields)
        reads = ", ".join(f"Lines.{field.type}(fields.get({at}))" for at, field in enumerate(record.fields))
        files[f"{folder}/{record.name}.java"] = (
            f"// {_NOTE}\npackage {module};\n\nimport java.util.List;\nimport java.util.Optional;\n\n"
            f"public record {record.name}({components}) {{\n"
            "    /** The line, without its end. */\n"
            f'    public String write() {{\n        return "{record.name}"{writes};\n    }}\n\n'
            "    /** Empty when the line is of another record; an IllegalArgumentException when it is wrong. */\n"
            f"    public static Optional<{record.name}> read(String line) {{\n"
            f'        List<String> fields = Lines.fields(line, "{record.name}", {len(record.fields)});\n'
            f"        return fields == null ? Optional.empty() : Optional.of(new {record.name}({reads}));\n    }}\n}}\n"
        )
    return files


_JAVASCRIPT = """\
// @note@

const escapes = { "\\\\": "\\\\\\\\", "\\t": "\\\\t", "\\n": "\\\\n" };
const meant = { "\\\\\\\\": "\\\\", "\\\\t": "\\t", "\\\\n": "\\n" };

const written = (value) => {
  if (typeof value === "bigint" && BigInt.asIntN(64, value) !== value) throw new RangeError(`${value} does not fit`);
  return String(value).replace(/[\\\\\\t\\n]/g, (character) => escapes[character]);
};

const fieldsOf = (line, record, count) => {
  const [kind, ...fields] = line.replace(/\\n$/, "").split("\\t");
  if (kind !== record) return null;
  if (fields.length !== count) throw new SyntaxError(`a line of ${record} has ${count} fields: ${line}`);
  return fields;
};

const text = (field) =>
  field.replace(/\\\\.?/gs, (part) => {
    if (!(part in meant)) throw new SyntaxError(`${part} means nothing in ${field}`);
    return meant[part];
  });

const integer = (field) => {
  const value = /^-?[0-9]+$/.test(field) ? BigInt(field) : null;
  if (value === null || String(value) !== field || BigInt.asIntN(64, value) !== value)
    throw new SyntaxError(`no integer of 64 bits: ${field}`);
  return value;
};
"""


def javascript(module: str, records: tuple[Record, ...]) -> dict[str, str]:
    """Write an ES module with one class per record; an integer is a BigInt."""
    name = module.replace("_", "-")
    parts = [_begin(_JAVASCRIPT, module)]
    for record in records:
        names = [field.name for field in record.fields]
        reads = ", ".join(f"{field.name}: {field.type}(fields[{at}])" for at, field in enumerate(record.fields))
        parts.append(
            f"\nexport class {record.name} {{\n  constructor({{ {', '.join(names)} }}) {{\n"
            f"    Object.assign(this, {{ {', '.join(names)} }});\n    Object.freeze(this);\n  }}\n\n"
            "  /** The line, without its end. */\n  write() {\n"
            f'    return ["{record.name}", {", ".join(f"this.{n}" for n in names)}].map(written).join("\\t");\n  }}\n\n'
            "  /** Null when the line is of another record; throws when it is wrong. */\n  static read(line) {\n"
            f'    const fields = fieldsOf(line, "{record.name}", {len(names)});\n'
            f"    return fields && new {record.name}({{ {reads} }});\n  }}\n}}\n"
        )
    package = f'{{ "name": "{name}", "version": "1.0.0", "type": "module", "exports": "./index.js" }}\n'
    return {f"node_modules/{name}/index.js": "".join(parts), f"node_modules/{name}/package.json": package}


def _begin(text: str, module: str) -> str:
    return text.replace("@module@", module).replace("@note@", _NOTE)


LANGUAGES: Mapping[str, Callable[[str, tuple[Record, ...]], dict[str, str]]] = {
    "cpp": cpp,
    "java": java,
    "javascript": javascript,
    "python": python,
}
