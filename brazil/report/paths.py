"""Where things of a closure are, as text and as JSON."""

from typing import Any

from brazil.errors import Problem, UsageError
from brazil.operations.paths import Editor, EditorClosure, Located, manifest_of
from brazil.report.printable import printable


def located_line(found: Located) -> str:
    """Write a search path.

    Raises:
        UsageError: a path has a colon in it, which would part it.
    """
    if len(found.paths) > 1 and any(":" in path for path in found.paths):
        path = next(path for path in found.paths if ":" in path)
        hint = "use --json, or move brazil's folders to where no path has one"
        raise UsageError(Problem("path.colon", f"{path!a} has a colon", "a search path is parted by colons", hint))
    return ":".join(found.paths)


def clash_lines(found: Located) -> list[str]:
    """Write what of a closure a farm cannot show."""
    return [
        printable(f"clash: {c.path} is in {', '.join(map(str, (c.linked, *c.hidden)))}: that of {c.linked} is linked")
        for c in found.clashes
    ]


def located_data(found: Located) -> dict[str, Any]:
    """Give an answer its documented JSON shape."""
    return {
        "recipe": found.recipe,
        "package": str(found.package),
        "closure": str(found.closure) if found.closure else None,
        "paths": list(found.paths),
        "clashes": [
            {"path": clash.path, "linked": str(clash.linked), "hidden": [str(member) for member in clash.hidden]}
            for clash in found.clashes
        ],
    }


def editor_data(found: Editor) -> dict[str, Any]:
    """Give what an editor needs its documented JSON shape."""
    return {
        "package": str(found.package),
        "workspace": str(found.workspace),
        "set": str(found.base.set),
        "revision": found.base.number,
        "checkout": str(found.checkout) if found.checkout else None,
        "manifest": str(manifest_of(found.checkout)) if found.checkout else None,
        "root": found.root,
        "closures": {str(kind): _closure_data(closure) for kind, closure in found.closures.items()},
        "environment": dict(found.environment) if found.environment is not None else None,
    }


def _closure_data(closure: EditorClosure | None) -> dict[str, Any] | None:
    if closure is None:
        return None
    return {
        "members": [{"package": str(member), "root": root} for member, root in closure.members.items()],
        "tools": [str(tool) for tool in closure.tools],
        "search-paths": {variable: list(paths) for variable, paths in closure.search_paths.items()},
    }
