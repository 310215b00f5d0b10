"""Build system `python`: packages and modules of pure Python, byte-compiled, with launchers for their functions.

The artifact has `python/` with the code and `bin/` with one launcher per script. Byte code names the path that
the artifact has for life, never where it was compiled, and is never checked against the source (unchecked hash):
times of files do not matter. Tests run against the artifact, which is on PYTHONPATH before the source.

The programs below run inside the sandbox, by the Python found there. They hold nothing from a manifest: that
reaches them as quoted arguments. Without `site`, and with a fixed hash seed, nothing else reaches the build.
"""

import json
import shlex
from textwrap import dedent

from brazil.build_systems.base import RELATIVE_PATH, BuildSystem, Recipe, require
from brazil.model.package import Form, Manifest, OptionSpec

_BUILD = dedent('''\
    import sys
    sys.path[:] = filter(None, sys.path)  # not the current folder: it may hold a json.py
    import json, keyword, os, py_compile, shutil

    home, source, names, scripts, tests = json.loads(sys.argv[1])
    out = os.environ["BRAZIL_OUT"]
    code = os.path.join(out, "python")
    apart = {"test", "tests", "setup", "conftest", "noxfile", tests.split("/")[0]}

    def fail(text):
        sys.exit("python: " + text)

    def is_name(text):
        return text.isidentifier() and not keyword.iskeyword(text)

    def find():
        """Return the names of all importable packages and modules at the top of the source."""
        found = set()
        for entry in os.listdir(source):
            stem, dot, end = entry.partition(".")
            path = os.path.join(source, entry)
            inside = os.path.isfile(os.path.join(path, "__init__.py"))
            if is_name(stem) and stem not in apart and (inside if not dot else end == "py" and os.path.isfile(path)):
                found.add(stem)
        return sorted(found)

    def copy(name):
        path = os.path.join(source, name)
        if os.path.isdir(path):
            skipped = shutil.ignore_patterns("__pycache__", "*.pyc")
            shutil.copytree(path, os.path.join(code, name), symlinks=True, ignore=skipped)
        elif os.path.isfile(path + ".py"):
            shutil.copyfile(path + ".py", os.path.join(code, name + ".py"))
        else:
            fail("there is no package or module " + name + " in " + source)

    def compile_all():
        """Byte-compile what can be imported; templates with names such as {{x}}.py are data."""
        failed = []
        for folder, inner, files in os.walk(code):
            inner[:] = sorted(filter(is_name, inner))
            for file in sorted(files):
                if not file.endswith(".py") or not is_name(file[:-3]):
                    continue
                path = os.path.join(folder, file)
                shown = os.path.join(home, os.path.relpath(path, code))
                try:
                    py_compile.compile(path, dfile=shown, doraise=True,
                                       invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
                except py_compile.PyCompileError as error:
                    failed.append(error.msg.strip())
        if failed:
            fail("cannot compile\\n" + "\\n".join(failed))

    def launch(name, target):
        module, _, function = target.partition(":")
        path = os.path.join(code, *module.split("."))
        ours = module.split(".")[0] in names
        if ours and not any(map(os.path.isfile, (path + ".py", os.path.join(path, "__init__.py")))):
            fail("script " + name + ": there is no module " + module)
        first = function.split(".")[0]
        path = os.path.join(out, "bin", name)
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/usr/bin/env python3\\nimport sys\\n\\nfrom %s import %s\\n\\nsys.exit(%s())\\n"
                       % (module, first, function))
        os.chmod(path, 0o755)

    if not os.path.isdir(source):
        fail("there is no folder " + source)
    names = sorted(set(names)) or find()
    if not names:
        fail("no package or module to import in " + source + "; name them with packages = [...] under [build]")
    os.makedirs(code, exist_ok=True)
    for name in names:
        copy(name)
    compile_all()
    if scripts:
        os.makedirs(os.path.join(out, "bin"), exist_ok=True)
    for name in sorted(scripts):
        launch(name, scripts[name])
    ''')

_TEST = dedent("""\
    import sys
    sys.path[:] = filter(None, sys.path)  # not the current folder: the artifact is tested, not what it was made from
    import os, unittest

    start = top = os.path.abspath(sys.argv[1])
    if not os.path.isdir(start):
        sys.exit("python: there is no folder " + sys.argv[1])
    while os.path.isfile(os.path.join(top, "__init__.py")):
        top = os.path.dirname(top)
    # After PYTHONPATH, for the same reason.
    first = len(list(filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))))
    sys.path.insert(first, top)
    suite = unittest.defaultTestLoader.discover(start, top_level_dir=top)
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    if not result.testsRun and not result.skipped:
        sys.exit("python: no test was found in " + sys.argv[1])
    sys.exit(not result.wasSuccessful())
    """)

_PROGRAMS = ("python3",)
_NEEDS = require("python", _PROGRAMS)
_END = "BRAZIL_END_OF_PROGRAM"

# The default of `tests`, which no manifest can write: "tests" when the source has it, else no tests.
_DETECT = "tests?"

_TESTS = Form(r"(?!.*\?)" + RELATIVE_PATH.pattern, RELATIVE_PATH.words)
_IDENTIFIER = r"[A-Za-z_][A-Za-z0-9_]*"
_DOTTED = rf"{_IDENTIFIER}(?:\.{_IDENTIFIER})*"


def _recipe(manifest: Manifest, top: frozenset[str]) -> Recipe:
    options = dict(manifest.options)
    source = options["source"] or ("src" if "src" in top else ".")
    tests = str(options["tests"])
    if tests == _DETECT:
        tests = "tests" if "tests" in top else ""
    home = f"/brazil/pkg/{manifest.interface}/python"
    argument = json.dumps([home, source, options["packages"], options["scripts"], tests])
    build = f"{_NEEDS}PYTHONPATH= PYTHONHASHSEED=0 python3 -S -s -B - {shlex.quote(argument)}"
    test = f"{_NEEDS}python3 -B - {shlex.quote(tests)}"
    return Recipe(build=_fed(build, _BUILD), test=_fed(test, _TEST) if tests else "")


def _fed(command: str, program: str) -> str:
    """Give a command a program on its standard input."""
    return f"{command} <<'{_END}'\n{program}\n{_END}\n"


SYSTEM = BuildSystem(
    name="python",
    summary="Installs packages and modules of pure Python, byte-compiled.",
    options=(
        OptionSpec(
            "packages",
            "strings",
            "Packages and modules to install; empty: every one at the top of the source but tests and set-up files.",
            default=[],
            form=Form(_IDENTIFIER, "the name of a package or module at the top of the source"),
        ),
        OptionSpec(
            "scripts",
            "table",
            'Programs of `bin` and the function each calls, such as `pay = "shop.main:main"`.',
            default={},
            form=Form(f"{_DOTTED}:{_DOTTED}", "'module:function'"),
            key_form=Form(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*", "the name of a program"),
        ),
        OptionSpec(
            "source",
            "string",
            "The folder that holds the packages; empty: `src` when there is one, else the top.",
            default="",
            form=RELATIVE_PATH,
        ),
        OptionSpec(
            "tests",
            "string",
            "The folder of the unittest tests, by default `tests` when there is one; empty: there are no tests.",
            default=_DETECT,
            form=_TESTS,
        ),
    ),
    recipe=_recipe,
    detects=("pyproject.toml", "setup.py", "setup.cfg"),
    programs=_PROGRAMS,
)
