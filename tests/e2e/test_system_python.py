"""Build system `python`, in the real sandbox: copied sources, wheels, C extensions, both runners, what must fail."""

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path

import pytest

from brazil.model.tested import CaseEnd
from tests.e2e.bad_sources import Bad, Native, fail_as_said
from tests.e2e.product import Product, copy_shop, toml
from tests.e2e.systems import need, publish, runs, starter_files

_NEEDED = [Path("/usr/lib/python3/dist-packages", name) for name in ("pytest", "setuptools", "wheel")]

pytestmark = [
    pytest.mark.sandbox,
    need("python3", "python3-config", "cc"),
    pytest.mark.skipif(
        not all(map(Path.is_dir, _NEEDED)), reason="there are not all of pytest, setuptools and wheel on this machine"
    ),
]

_SETUPTOOLS = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'

_EXTENSION = """\
#include <Python.h>
#include <money.h>

static PyObject *total(PyObject *self, PyObject *values) {
    int a, b;
    if (!PyArg_ParseTuple(values, "ii", &a, &b)) return NULL;
    return PyLong_FromLong(money_add(a, b));
}

static PyObject *file(PyObject *self, PyObject *none) { return PyUnicode_FromString(__FILE__); }

static PyMethodDef methods[] = {
    {"total", total, METH_VARARGS, ""}, {"file", file, METH_NOARGS, ""}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_wallet", NULL, -1, methods};
PyMODINIT_FUNC PyInit__wallet(void) { return PyModule_Create(&module); }
"""

# A whole build backend: it packs one module, in an order and with a record that differ from run to run.
_BACKEND = """\
import os
import random
import zipfile

from words import VERSION


def build_wheel(folder, settings=None, metadata=None):
    info = f"note-{VERSION}.dist-info"
    data = f"note-{VERSION}.data"
    files = {
        "note.py": "TEXT = 'noted'\\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\\nName: note\\nVersion: {VERSION}\\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        f"{info}/RECORD": f"note.py,sha256={random.random()},0\\n",
        f"{info}/INSTALLER": f"{random.random()}\\n",
        f"{data}/scripts/note-it": "#!python\\nimport note\\nprint(note.TEXT)\\n",
        f"{data}/data/share/note/page": "a page\\n",
        f"{data}/headers/note.h": "",
        f"{data}/platlib/extra.py": "",
    }
    names = sorted(files)
    random.shuffle(names)
    with zipfile.ZipFile(os.path.join(folder, f"note-{VERSION}-py3-none-any.whl"), "w") as wheel:
        for name in names:
            wheel.writestr(name, files[name])
    return f"note-{VERSION}-py3-none-any.whl"
"""

SHOP: Mapping[str, Mapping[str, str]] = {
    "Money": {
        "brazil.toml": toml(
            "Money",
            build={
                "build": 'mkdir "$BRAZIL_OUT/lib" "$BRAZIL_OUT/include"\ncp money.h "$BRAZIL_OUT/include"\n'
                'cc -shared -fPIC -o "$BRAZIL_OUT/lib/libmoney.so" money.c'
            },
        ),
        "money.h": "int money_add(int a, int b);\n",
        "money.c": "int money_add(int a, int b) { return a + b; }\n",
    },
    # A C extension that uses a C library of the closure, its own folder, and pytest.
    "Wallet": {
        "brazil.toml": toml("Wallet", "python", dependencies={"Money": "1.0"})
        + '\n[build]\nsource = "python code"\ntests = "checks"\ntest-runner = "pytest"\n',
        "python code/pyproject.toml": _SETUPTOOLS
        + '[project]\nname = "wallet"\nversion = "1.2"\n[project.scripts]\nwallet = "wallet.main:main"\n'
        + '[tool.pytest.ini_options]\npythonpath = ["."]\n',
        "python code/setup.py": "from setuptools import Extension, setup\n"
        'setup(ext_modules=[Extension("wallet._wallet", ["wallet/_wallet.c"], libraries=["money"])])\n',
        "python code/wallet/__init__.py": "from wallet._wallet import file, total\n\n__all__ = ['file', 'total']\n",
        "python code/wallet/main.py": "import sys\n\nfrom wallet import total\n\n\n"
        "def main():\n    print(total(*map(int, sys.argv[1:])))\n",
        "python code/wallet/_wallet.c": _EXTENSION,
        "checks/test_wallet.py": "import wallet\n\n\ndef test_sums():\n    assert wallet.total(2, 3) == 5\n\n\n"
        "def test_paths():\n    assert wallet.__file__ == '/brazil/pkg/Wallet-1.0/python/wallet/__init__.py'\n"
        "    assert wallet.file() == 'wallet/_wallet.c'\n",
    },
    # A backend that is a tool of the set, with a library of its own.
    "Words": {"brazil.toml": toml("Words", "python"), "words.py": "VERSION = '1.0'\n"},
    "Backend": {
        "brazil.toml": toml("Backend", "python", dependencies={"Words": "1.0"}),
        "pack_note.py": _BACKEND,
    },
    "Note": {
        "brazil.toml": toml("Note", "python", build_tools={"Backend": "1.0"}),
        "pyproject.toml": '[build-system]\nrequires = ["packer>=9"]\nbuild-backend = "pack_note"\n',
    },
    "Shop": {
        "brazil.toml": toml("Shop", "python", dependencies={"Wallet": "1.0", "Note": "1.0", "JsonKit": "1.0"}),
        "pyproject.toml": '[tool.thing]\nnote = "no build backend"\n',
        "shop.py": "import note\nimport wallet\n\nPRICE = wallet.total(1, 2), note.TEXT\n",
        "tests/test_shop.py": "import unittest\nimport shop\n\n\nclass ShopTest(unittest.TestCase):\n"
        "    def test_price(self):\n        self.assertEqual(shop.PRICE, (3, 'noted'))\n"
        "    @unittest.skip('not today')\n    def test_other(self):\n        pass\n",
    },
    "JsonKit": starter_files("python", "JsonKit"),
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Product:
    """All of them published; nobody changes it."""
    return publish(tmp_path_factory.mktemp("python") / "shop", SHOP, "Shop")


def test_a_wheel_is_installed_with_its_programs_and_what_it_says_of_itself(shop: Product, tmp_path: Path) -> None:
    files = runs(shop)["build Wallet-1.0"].files
    assert {name for name in files if "/_wallet." not in name and not name.endswith(".pyc")} == {
        "bin/wallet",
        "python/wallet/__init__.py",
        "python/wallet/main.py",
        *(
            f"python/wallet-1.2.dist-info/{name}"
            for name in ("INSTALLER", "METADATA", "RECORD", "WHEEL", "entry_points.txt", "top_level.txt")
        ),
    }
    assert all(b"/brazil/src" not in data for data in files.values())
    work = copy_shop(shop, tmp_path / "shop").workspace()
    # Its C library is found without any help.
    for words in (["wallet", "2", "3"], ["env", "-u", "LD_LIBRARY_PATH", "wallet", "2", "3"]):
        assert work.process("exec", "Wallet", "--", *words).out == "5\n"
    assert work.process("exec", "JsonKit", "--", "json_kit").out == "hello, JsonKit\n"
    assert work.process("exec", "Note", "--", "note-it").out == "noted\n"


def test_a_backend_of_the_set_and_a_record_that_is_true(shop: Product) -> None:
    run = runs(shop)["build Note-1.0"]
    assert "python: note: the build asks for packer>=9, and there is none" in run.log
    assert run.files["share/note/page"] == b"a page\n"
    assert {"include/note/note.h", "python/extra.py", "bin/note-it"} <= set(run.files)
    assert run.files["python/note-1.0.dist-info/INSTALLER"] == b"brazil\n"
    record = run.files["python/note-1.0.dist-info/RECORD"].decode().splitlines()
    named = [line.split(",")[0] for line in record]
    assert named == [
        "../bin/note-it",
        "../include/note/note.h",
        "../share/note/page",
        "extra.py",
        "note-1.0.dist-info/INSTALLER",
        "note-1.0.dist-info/METADATA",
        "note-1.0.dist-info/WHEEL",
        "note.py",
        "note-1.0.dist-info/RECORD",
    ]
    sha = base64.urlsafe_b64encode(hashlib.sha256(run.files["python/note.py"]).digest()).rstrip(b"=").decode()
    assert record[-2] == f"note.py,sha256={sha},{len(run.files['python/note.py'])}"


def test_tests_are_cases(shop: Product) -> None:
    found = runs(shop)
    wallet, own = found["test Wallet-1.0"].tested, found["test Shop-1.0"].tested
    assert not wallet.unreadable + own.unreadable
    assert [(case.name, case.end) for case in wallet.cases] == [
        ("test_sums", CaseEnd.PASSED),
        ("test_paths", CaseEnd.PASSED),
    ]
    assert [(case.suite, case.name, case.end) for case in own.cases] == [
        ("test_shop.ShopTest", "test_other", CaseEnd.SKIPPED),
        ("test_shop.ShopTest", "test_price", CaseEnd.PASSED),
    ]
    assert found["test JsonKit-1.0"].tested.count(CaseEnd.PASSED) == 1


def test_the_same_artifacts_come_from_another_place(shop: Product, tmp_path: Path) -> None:
    first, second = runs(shop), runs(publish(tmp_path / "another place", SHOP, "Shop"))
    for name in SHOP:
        assert second[f"build {name}-1.0"].files == first[f"build {name}-1.0"].files
        assert second[f"build {name}-1.0"].digest == first[f"build {name}-1.0"].digest


def backend(text: str) -> dict[str, str]:
    """Make a source with a backend of its own, whose `build_wheel(folder)` does this."""
    lines = "".join(f"    {line}\n" for line in text.splitlines())
    return {
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "own"\nbackend-path = ["."]\n',
        "own.py": "import os, subprocess, urllib.request, zipfile\n\n\n"
        f"def build_wheel(folder, settings, metadata):\n{lines}",
    }


_WHEEL = (
    "with zipfile.ZipFile(os.path.join(folder, 'a-1-any.whl'), 'w') as wheel:\n"
    "    wheel.writestr('a-1.dist-info/METADATA', '')\n"
)
NATIVE = Native(
    "python",
    {
        **backend(f"subprocess.run(['sh', 'build.sh'], check=True)\n{_WHEEL}return 'a-1-any.whl'"),
        "tests/test_pay.py": "import subprocess, unittest\n\n\nclass T(unittest.TestCase):\n"
        "    def test_it(self):\n        subprocess.run(['sh', 'test.sh'], check=True)\n",
    },
)
BAD: Mapping[str, Bad] = {
    "NoSource": Bad({"readme": ""}, said="no package or module to import in ."),
    "NoFolder": Bad({"pay.py": ""}, 'source = "no where"', said="there is no folder no where"),
    "NoBackend": Bad(
        {"pyproject.toml": '[build-system]\nrequires = ["packer"]\nbuild-backend = "packer.api"\n'},
        said="cannot import the build backend packer.api: No module named 'packer'; install it on this machine or name"
        " the package that brings it under [build-tools]",
    ),
    "Broken": Bad({"pyproject.toml": "[build-system"}, said="pyproject.toml: Expected"),
    "OldTool": Bad(
        {"pyproject.toml": '[project]\nname = "pay"\nrequires-python = ">=3.8,!=3.9.*,>=3.99"\n', "pay.py": ""},
        said="python: pyproject.toml asks for Python >=3.8,!=3.9.*,>=3.99, and 3.",
    ),
    "NoGrammar": Bad({"pay.py": "def f(:\n"}, said="/brazil/pkg/NoGrammar-1.0/python/pay.py"),
    "NoC": Bad(
        {
            "setup.py": "from setuptools import Extension, setup\n"
            "setup(name='pay', ext_modules=[Extension('pay', ['pay.c'])])\n",
            "pay.c": "#include <nowhere.h>\n",
        },
        said="nowhere.h: No such file or directory",
    ),
    "Fetches": Bad(backend("urllib.request.urlopen('https://json.example')"), said="Name or service not known"),
    "Leads": Bad(
        backend(f"{_WHEEL}    wheel.writestr('../../../src/x', '')\nreturn 'a-1-any.whl'"),
        said="the wheel has ../../../src/x, which leads out of it",
    ),
    "NoEntry": Bad(
        backend(
            f"{_WHEEL}    wheel.writestr('a-1.dist-info/entry_points.txt', '[console_scripts]\\npay = x')\n"
            "return 'a-1-any.whl'"
        ),
        said="the wheel has an entry point that calls nothing: pay = x",
    ),
    "Nothing": Bad(
        backend("zipfile.ZipFile(os.path.join(folder, 'a-1-any.whl'), 'w').close()\nreturn 'a-1-any.whl'"),
        said="the wheel a-1-any.whl has no a-1.dist-info",
    ),
    "NoTests": Bad({"pay.py": "", "tests/none": ""}, step="test", said="no test was found in tests"),
    "NoCases": Bad(
        {"pay.py": "", "tests/none": ""}, 'test-runner = "pytest"', step="test", said="no test was found in tests"
    ),
}


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    fail_as_said(tmp_path / "shop", NATIVE, BAD)
