"""Leaves the artifact of a Python package in $BRAZIL_OUT: copied, or from the wheel that its build backend makes.

Run inside the sandbox by the Python found there, 3.8 or newer, without `site` and with a fixed hash seed. Arguments:
what the recipe says as JSON, and the search path of the closure. Nothing of a manifest stands in this text.
"""

from __future__ import annotations

import sys

sys.path[:] = filter(None, sys.path)  # not the current folder: it may hold a json.py
import base64
import configparser
import glob
import hashlib
import importlib
import json
import keyword
import os
import py_compile
import re
import shutil
import zipfile
from typing import Any, NoReturn

GIVEN = json.loads(sys.argv[1])
OUT = os.environ["BRAZIL_OUT"]
CODE = os.path.join(OUT, "python")
TOP = os.getcwd()
LEGACY = "setuptools.build_meta:__legacy__"  # PEP 517: what a source without a named backend is built by


def fail(text: str) -> NoReturn:
    sys.exit("python: " + text)


def note(text: str) -> None:
    print("python: note: " + text, flush=True)


def is_name(text: str) -> bool:
    return text.isidentifier() and not keyword.iskeyword(text)


# --- copied sources


def find(source: str) -> list[str]:
    """Return the names of all importable packages and modules at the top of the source."""
    apart = {"test", "tests", "setup", "conftest", "noxfile", GIVEN["tests"].split("/")[0]}
    found = set()
    for entry in os.listdir(source):
        stem, dot, end = entry.partition(".")
        path = os.path.join(source, entry)
        inside = os.path.isfile(os.path.join(path, "__init__.py"))
        if is_name(stem) and stem not in apart and (inside if not dot else end == "py" and os.path.isfile(path)):
            found.add(stem)
    return sorted(found)


def copy_one(source: str, name: str) -> None:
    path = os.path.join(source, name)
    if os.path.isdir(path):
        skipped = shutil.ignore_patterns("__pycache__", "*.pyc")
        shutil.copytree(path, os.path.join(CODE, name), symlinks=True, ignore=skipped)
    elif os.path.isfile(path + ".py"):
        shutil.copyfile(path + ".py", os.path.join(CODE, name + ".py"))
    else:
        fail("there is no package or module " + name + " in " + source)


def copy(source: str) -> None:
    names = sorted(set(GIVEN["packages"])) or find(source)
    if not names:
        fail("no package or module to import in " + source + "; name them with packages = [...] under [build]")
    os.makedirs(CODE, exist_ok=True)
    for name in names:
        copy_one(source, name)
    for script, target in sorted(GIVEN["scripts"].items()):
        module = target.partition(":")[0]
        path = os.path.join(CODE, *module.split("."))
        ours = module.split(".")[0] in names
        if ours and not any(map(os.path.isfile, (path + ".py", os.path.join(path, "__init__.py")))):
            fail("script " + script + ": there is no module " + module)
        launch(script, target)


# --- wheels


def find_backend(source: str) -> tuple[dict[str, Any], str]:
    """Return the table [build-system] and the backend it comes to; empty: there is none, so sources are copied."""
    table: dict[str, Any] = {}
    path = os.path.join(source, "pyproject.toml")
    if os.path.isfile(path):
        with open(path, "rb") as file:
            text = file.read()
        try:
            import tomllib
        except ImportError:  # before 3.11
            fail("this Python cannot read pyproject.toml; name packages = [...] under [build] to have them copied")
        try:
            whole = tomllib.loads(text.decode())
        except ValueError as error:
            fail(path + ": " + str(error))
        table, project = whole.get("build-system", {}), whole.get("project", {})
        if not isinstance(table, dict) or not isinstance(project, dict):
            fail(path + ": [build-system] and [project] must be tables")
        require_python(str(project.get("requires-python", "")))
    if table or os.path.isfile(os.path.join(source, "setup.py")):
        return table, table.get("build-backend", LEGACY)
    return {}, ""


def require_python(wanted: str) -> None:
    """End the build where the source asks for another Python; a backend does not look at it. Source: PEP 440."""
    here = sys.version_info[:3]
    for clause in filter(None, map(str.strip, wanted.split(","))):
        parts = re.fullmatch(r"(~=|[=!<>]=|<|>)\s*(\d+(?:\.\d+)*)(\.\*)?", clause)
        if not parts:
            note("cannot tell whether this Python is " + clause + ", which pyproject.toml asks for")
            continue
        version = tuple(map(int, parts[2].split(".")))
        whole = (*version, 0, 0)[:3]
        equal = here[: len(version)] == version if parts[3] else here == whole
        good = {
            "~=": here >= whole and here[: len(version) - 1] == version[:-1],
            "==": equal,
            "!=": not equal,
            ">=": here >= whole,
            "<=": here <= whole,
            ">": here > whole,
            "<": here < whole,
        }
        if not good[parts[1]]:
            fail("pyproject.toml asks for Python " + wanted + ", and " + ".".join(map(str, here)) + " is here")


def see(closure: str) -> None:
    """Make importable what the closure has, then what tools have, then what the platform has."""
    folders = list(filter(None, closure.split(os.pathsep)))
    for folder in sorted(glob.glob(os.path.join(os.path.dirname(OUT), "*", "python"))):
        if folder not in folders:
            folders.append(folder)
    sys.path[0:0] = folders
    os.environ["PYTHONPATH"] = os.pathsep.join(folders)
    import site

    site.main()


def compare(requirements: list[str]) -> None:
    """Say which requirements of the build are not met: it may work all the same, and if not this is why."""
    try:
        from importlib import metadata

        from packaging.requirements import Requirement
    except ImportError:
        return
    for text in requirements:
        wanted = Requirement(text)
        if wanted.marker and not wanted.marker.evaluate():
            continue
        try:
            version = metadata.version(wanted.name)
        except metadata.PackageNotFoundError:
            note("the build asks for " + text + ", and there is none")
            continue
        if not wanted.specifier.contains(version, prereleases=True):
            note("the build asks for " + text + ", and " + version + " is here")


def build_wheel(table: dict[str, Any], backend: str) -> str:
    """Let the backend make a wheel of the current folder; return its path."""
    sys.path[0:0] = [os.path.abspath(path) for path in table.get("backend-path", [])]
    compare(table.get("requires", []))
    module, _, inner = backend.partition(":")
    try:
        hooks: Any = importlib.import_module(module)
    except ImportError as error:
        fail(
            "cannot import the build backend " + module + ": " + str(error) + "; install it on this machine or name"
            " the package that brings it under [build-tools]"
        )
    for name in filter(None, inner.split(".")):
        hooks = getattr(hooks, name)
    if hasattr(hooks, "get_requires_for_build_wheel"):
        compare(hooks.get_requires_for_build_wheel(None))
    folder = os.path.join(TOP, ".brazil", "wheel")
    os.makedirs(folder)
    # No path of this build in what a compiler writes; libraries are found where they stay for life.
    os.environ["CFLAGS"] = (os.environ.get("CFLAGS", "") + " -ffile-prefix-map=" + TOP + "=.").strip()
    os.environ["CXXFLAGS"] = os.environ["CFLAGS"]
    os.environ["LD_RUN_PATH"] = os.environ.get("LIBRARY_PATH", "")
    return os.path.join(folder, hooks.build_wheel(folder, None, None))


def place(name: str, top: str) -> str:
    """Say where a member of a wheel goes; `top` is `<name>-<version>` with which its own folders begin."""
    first, _, rest = name.partition("/")
    if first != top + ".data":
        return os.path.join(CODE, name)
    scheme, _, rest = rest.partition("/")
    folders = {
        "purelib": CODE,
        "platlib": CODE,
        "scripts": os.path.join(OUT, "bin"),
        "headers": os.path.join(OUT, "include", top.partition("-")[0]),
        "data": OUT,
    }
    if scheme not in folders:
        fail("the wheel has " + name + ", which has no place")
    return os.path.join(folders[scheme], rest)


def install(wheel: str) -> None:
    """Unpack a wheel, and write the scripts and the record of what was installed."""
    top = "-".join(os.path.basename(wheel).split("-")[:2])
    info = top + ".dist-info"
    installed = []
    with zipfile.ZipFile(wheel) as archive:
        names = sorted(name for name in archive.namelist() if not name.endswith("/"))
        if info + "/METADATA" not in names:
            fail("the wheel " + os.path.basename(wheel) + " has no " + info)
        for name in names:
            path = os.path.normpath(place(name, top))
            if not path.startswith(OUT + os.sep):
                fail("the wheel has " + name + ", which leads out of it")
            data = archive.read(name)
            script = name.startswith(top + ".data/scripts/")
            if script:
                data = re.sub(rb"\A#!python[^\r\n]*", b"#!/usr/bin/env python3", data)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(data)
            if script or archive.getinfo(name).external_attr >> 16 & 0o111:
                os.chmod(path, 0o755)
            installed.append(path)
    info = os.path.join(CODE, info)
    installed += map(launch_entry, entry_points(os.path.join(info, "entry_points.txt")))
    with open(os.path.join(info, "INSTALLER"), "w", encoding="utf-8") as installer:
        installer.write("brazil\n")
    record(info, {*installed, os.path.join(info, "INSTALLER")})


def entry_points(path: str) -> list[tuple[str, str]]:
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names of programs keep their case
    parser.read(path, encoding="utf-8")
    groups = (parser[group].items() for group in ("console_scripts", "gui_scripts") if parser.has_section(group))
    return sorted((name, target.partition("[")[0].strip()) for group in groups for name, target in group)


def launch_entry(entry: tuple[str, str]) -> str:
    name, target = entry
    if not re.fullmatch(r"[\w.]+ *: *[\w.]+", target) or not re.fullmatch(r"[\w.+-]+", name):
        fail("the wheel has an entry point that calls nothing: " + name + " = " + target)
    return launch(name, target.replace(" ", ""))


def record(info: str, paths: set[str]) -> None:
    """Write RECORD anew: what stands here, not what stood in the wheel."""
    own = os.path.join(info, "RECORD")
    names = {os.path.relpath(path, CODE): path for path in paths - {own}}
    lines = []
    for name, path in sorted(names.items()):
        with open(path, "rb") as file:
            data = file.read()
        sha = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        shown = '"' + name.replace('"', '""') + '"' if set(name) & set(',"') else name
        lines.append(f"{shown},sha256={sha},{len(data)}\n")
    lines.append(os.path.relpath(own, CODE) + ",,\n")
    with open(own, "w", encoding="utf-8", newline="") as out:
        out.writelines(lines)


# --- both


def compile_all() -> None:
    """Byte-compile what can be imported; templates with names such as {{x}}.py are data."""
    failed = []
    for folder, inner, files in os.walk(CODE):
        inner[:] = sorted(filter(is_name, inner))
        for file in sorted(files):
            if not file.endswith(".py") or not is_name(file[:-3]):
                continue
            path = os.path.join(folder, file)
            shown = os.path.join(GIVEN["home"], os.path.relpath(path, CODE))
            try:
                mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
                py_compile.compile(path, dfile=shown, doraise=True, invalidation_mode=mode)
            except py_compile.PyCompileError as error:
                failed.append(error.msg.strip())
    if failed:
        fail("cannot compile\n" + "\n".join(failed))


def launch(name: str, target: str) -> str:
    """Write the program that calls a function; return its path."""
    module, _, function = target.partition(":")
    first = function.split(".")[0]
    path = os.path.join(OUT, "bin", name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"#!/usr/bin/env python3\nimport sys\n\nfrom {module} import {first}\n\nsys.exit({function}())\n")
    os.chmod(path, 0o755)
    return path


def main(closure: str) -> None:
    source = GIVEN["source"] or "."
    if not os.path.isdir(source):
        fail("there is no folder " + source)
    named = GIVEN["packages"] or GIVEN["scripts"]
    table, backend = ({}, "") if named else find_backend(source)
    if backend:
        see(closure)
        os.chdir(source)
        install(build_wheel(table, backend))
    else:
        copy("src" if not GIVEN["source"] and os.path.isdir("src") else source)
    compile_all()


main(sys.argv[2])
