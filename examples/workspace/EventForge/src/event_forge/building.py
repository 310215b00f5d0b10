"""event-build: the program that builds a package whose `build-system` is EventForge."""

import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from event_forge.languages import LANGUAGES
from event_forge.schema import SchemaError, read_schema


def main() -> int:
    """Build; return the exit code."""
    options = json.loads(os.environ["BRAZIL_OPTIONS"])
    out = Path(os.environ["BRAZIL_OUT"])
    try:
        files = generate(options, Path(options["schema"]).read_text(encoding="utf-8"), str(out))
    except (OSError, ValueError) as error:
        for line in str(error).splitlines():
            print(f"event-build: {options['schema']}: {line}", file=sys.stderr)
        return 1
    for name, text in files.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"made {name}")
    return 0


def generate(options: Mapping[str, object], schema: str, home: str) -> dict[str, str]:
    """Return the files of an artifact.

    Args:
        options: what the package says under [build].
        schema: the text of its schema.
        home: where the artifact will be for life.
    """
    module, languages = options["module"], options["languages"]
    if not isinstance(module, str) or not re.fullmatch("[a-z][a-z0-9]*(_[a-z0-9]+)*", module):
        raise SchemaError(f"{module!r} is no name for a module: small letters and digits, '_' between words")
    records = read_schema(schema)
    assert isinstance(languages, list)
    files = {name: text for language in languages for name, text in LANGUAGES[language](module, records).items()}
    sources = sorted(name for name in files if name.endswith(".java"))
    if sources:
        files["share/java/sources"] = "".join(f"{home}/{name}\n" for name in sources)
    return dict(sorted(files.items()))


if __name__ == "__main__":
    sys.exit(main())
