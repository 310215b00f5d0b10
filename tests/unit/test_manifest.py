import pytest

from brazil.build_systems import SYSTEMS, option_specs
from brazil.errors import Problem, UsageError
from brazil.formats.manifest import parse_manifest
from brazil.model.package import Manifest

SYSTEM_NAMES = ", ".join(map(repr, SYSTEMS))

MAKE = '[package]\nname = "Shop"\ninterface = "1.0"\nbuild-system = "make"\n'
PYTHON = MAKE.replace("make", "python")
COMMAND = MAKE.replace("make", "command")

# fmt: off
NAME_RULE = "it must start with a letter and hold only letters, digits, '_', '+', '.' and single inner dashes"
KNOWN_TABLES = (
    "known tables: 'package', 'dependencies', 'runtime-dependencies', 'test-dependencies', 'build-tools', "
    "'resolves-conflict-dependencies', 'remove-dependencies', 'build', 'outputs', "
    "'provides-build-system'"
)

# The text, and of each problem: line, key, code, what, because, hint.
BAD: dict[str, tuple[str | bytes, list[tuple[int, str, str, str, str, str]]]] = {
    "not TOML": (
        'a = \n',
        [(1, "", "syntax", "not valid TOML", "invalid value (column 5)", "")],
    ),
    "not TOML at the end": (
        MAKE + 'x = [',
        [(5, "", "syntax", "not valid TOML", "invalid value (at the end)", "")],
    ),
    "a key twice": (
        MAKE + 'name = "B"\n',
        [(5, "", "syntax", "not valid TOML", "cannot overwrite a value (column 11)", "")],
    ),
    "nested too deeply": (
        "a = " + "[" * 3000,
        [(0, "", "syntax", "not valid TOML", "it is nested too deeply", "")],
    ),
    "a number of thousands of digits": (
        "a = " + "1" * 5000,
        [(0, "", "syntax", "not valid TOML", "a number is too long", "")],
    ),
    "a key of very many parts": (
        MAKE + "a." * 500_000 + "a = 1",
        [(5, "", "long-key", "a key has too many parts", "more than 64 are joined by dots", "")],
    ),
    "a header of very many quoted parts": (
        MAKE + "[a" + " . 'b'.\"c\\\"\"" * 100 + "]",
        [(5, "", "long-key", "a key has too many parts", "more than 64 are joined by dots", "")],
    ),
    "byte order mark": (
        b'\xef\xbb\xbf[package]\n',
        [(1, "", "byte-order-mark", "the file begins with a byte order mark",
         "TOML has none", "save it as UTF-8 without a byte order mark")],
    ),
    "UTF-16": (
        b'\xff\xfe[\x00p\x00a\x00c\x00k\x00a\x00g\x00e\x00]\x00',
        [(1, "", "byte-order-mark", "the file begins with a byte order mark",
         "TOML has none", "save it as UTF-8 without a byte order mark")],
    ),
    "not UTF-8": (
        b'[package]\n# caf\xe9\n',
        [(2, "", "encoding", "the file is not UTF-8", "byte 0xe9 at offset 15 is not valid", "save it as UTF-8")],
    ),
    "too large": (
        b"#" * (1024 * 1024 + 1),
        [(0, "", "too-large", "the file is too large", "it has 1048577 bytes, at most 1048576 are allowed", "")],
    ),
    "empty": (
        '',
        [(0, "package.name", "missing-key", "missing key 'name' in [package]", "", ""),
         (0, "package.interface", "missing-key", "missing key 'interface' in [package]",
         "", 'write the version as text, such as "1.0"'),
         (0, "package.build-system", "missing-key", "missing key 'build-system' in [package]",
         "", f"one of {SYSTEM_NAMES}")],
    ),
    "unknown table": (
        MAKE + '[dependancies]\nA = "1.0"\n',
        [(5, "dependancies", "unknown-table", "unknown table 'dependancies'", "", "did you mean 'dependencies'?")],
    ),
    "unknown top key, nothing near": (
        'zzz = 1\n' + MAKE,
        [(1, "zzz", "unknown-table", "unknown table 'zzz'", "", KNOWN_TABLES)],
    ),
    "unknown package key": (
        MAKE + 'desciption = "x"\n',
        [(5, "package.desciption", "unknown-key", "unknown key 'desciption' in [package]",
         "", "did you mean 'description'?")],
    ),
    "package is no table": (
        'package = 1\n',
        [(1, "package", "wrong-type", "package must be a table", "it is an integer", "")],
    ),
    "build is no table": (
        'build = []\n' + MAKE,
        [(1, "build", "wrong-type", "build must be a table", "it is an array", "")],
    ),
    "missing name": (
        '[package]\ninterface = "1.0"\nbuild-system = "make"\n',
        [(1, "package.name", "missing-key", "missing key 'name' in [package]", "", "")],
    ),
    "missing interface and system": (
        '[package]\nname = "A"\n',
        [(1, "package.interface", "missing-key", "missing key 'interface' in [package]",
         "", 'write the version as text, such as "1.0"'),
         (1, "package.build-system", "missing-key", "missing key 'build-system' in [package]",
         "", f"one of {SYSTEM_NAMES}")],
    ),
    "name of a wrong type": (
        '[package]\nname = 7\ninterface = "1.0"\nbuild-system = "make"\n',
        [(2, "package.name", "wrong-type", "package.name must be a string", "it is an integer", "")],
    ),
    "bad name": (
        '[package]\nname = "../Shop"\ninterface = "1.0"\nbuild-system = "make"\n',
        [(2, "package.name", "wrong-value", "'../Shop' is not a package name", NAME_RULE, "")],
    ),
    "empty name": (
        '[package]\nname = ""\ninterface = "1.0"\nbuild-system = "make"\n',
        [(2, "package.name", "wrong-value", "'' is not a package name", "it is empty", "")],
    ),
    "long name": (
        MAKE.replace("Shop", "S" * 101),
        [(2, "package.name", "wrong-value", "'" + "S" * 100 + "...' is not a package name",
         "it has 101 characters, at most 100 are allowed", "")],
    ),
    "name with a control character": (
        '[package]\nname = "Sh\\u0007p"\ninterface = "1.0"\nbuild-system = "make"\n',
        [(2, "package.name", "wrong-value", "'Sh\\x07p' is not a package name", NAME_RULE, "")],
    ),
    "bad version": (
        '[package]\nname = "Shop"\ninterface = "1-0"\nbuild-system = "make"\n',
        [(3, "package.interface", "wrong-value", "'1-0' is not an interface version",
         "it must hold only letters, digits, '_', '+' and '.', such as '1.0'", "")],
    ),
    "version as a number": (
        '[package]\nname = "Shop"\ninterface = 1.0\nbuild-system = "make"\n',
        [(3, "package.interface", "wrong-type", "package.interface must be a string",
         "it is a float", 'write it in quotes: "1.0"')],
    ),
    "unknown system, near": (
        '[package]\nname = "Shop"\ninterface = "1.0"\nbuild-system = "pyhton"\n',
        [(4, "package.build-system", "wrong-value", "unknown build system 'pyhton'", "", "did you mean 'python'?")],
    ),
    "unknown system, nothing near": (
        '[package]\nname = "Shop"\ninterface = "1.0"\nbuild-system = "zzz"\n',
        [(4, "package.build-system", "wrong-value", "unknown build system 'zzz'",
         "", f"known build systems: {SYSTEM_NAMES}; one of your own is a package with a capital letter in its name, "
         "named under [build-tools] too")],
    ),
    "system of a wrong type": (
        '[package]\nname = "Shop"\ninterface = "1.0"\nbuild-system = true\n',
        [(4, "package.build-system", "wrong-type", "package.build-system must be a string",
         "it is a boolean", f"one of {SYSTEM_NAMES}")],
    ),
    "description of two lines": (
        MAKE + 'description = "a\\nb"\n',
        [(5, "package.description", "wrong-value", "package.description must be one line of text",
         "it holds the control character U+000A", "")],
    ),
    "description of a wrong type": (
        MAKE + 'description = 2021-01-01\n',
        [(5, "package.description", "wrong-type", "package.description must be a string", "it is a date or time", "")],
    ),
    "dependency as a float": (
        MAKE + '[dependencies]\nJsonKit = 2.0\n',
        [(6, "dependencies.JsonKit", "wrong-type", "dependencies.JsonKit must be an interface version",
         "it is a float", 'write it in quotes: "2.0"')],
    ),
    "dependency as an integer": (
        MAKE + '[build-tools]\nPython = 3\n',
        [(6, "build-tools.Python", "wrong-type", "build-tools.Python must be an interface version",
         "it is an integer", 'write it in quotes: "3"')],
    ),
    "dependency as an array": (
        MAKE + '[dependencies]\nJsonKit = ["2.0"]\n',
        [(6, "dependencies.JsonKit", "wrong-type", "dependencies.JsonKit must be an interface version",
         "it is an array", 'write the version as text, such as "1.0"')],
    ),
    "dependency with a bad name": (
        MAKE + '[test-dependencies]\n"-x" = "1.0"\n',
        [(6, "test-dependencies.-x", "wrong-value", "'-x' is not a package name", NAME_RULE, "")],
    ),
    "dependency with a bad version": (
        MAKE + '[test-dependencies]\nJsonKit = ">=2"\n',
        [(6, "test-dependencies.JsonKit", "wrong-value", "'>=2' is not an interface version",
         "it must hold only letters, digits, '_', '+' and '.', such as '1.0'", "")],
    ),
    "dependency without interface": (
        MAKE + '[dependencies]\nJsonKit = { at-least = 7 }\n',
        [(6, "dependencies.JsonKit.interface", "missing-key",
         "missing key 'interface' in [dependencies.JsonKit]", "", 'write the version as text, such as "1.0"')],
    ),
    "dependency with an unknown key": (
        MAKE + '[dependencies]\nJsonKit = { interface = "2.0", atleast = 7 }\n',
        [(6, "dependencies.JsonKit.atleast", "unknown-key",
         "unknown key 'atleast' in [dependencies.JsonKit]", "", "did you mean 'at-least'?")],
    ),
    "dependency with a dotted name": (
        MAKE + '[dependencies]\nzope.event = "4"\n',
        [(6, "dependencies.zope.event", "unknown-key", "unknown key 'event' in [dependencies.zope]",
         "", 'a name with a dot is written in quotes: "zope.event"'),
         (6, "dependencies.zope.interface", "missing-key", "missing key 'interface' in [dependencies.zope]",
         "", 'write the version as text, such as "1.0"')],
    ),
    "at-least of zero": (
        MAKE + '[dependencies.JsonKit]\ninterface = "2.0"\nat-least = 0\n',
        [(7, "dependencies.JsonKit.at-least", "wrong-value",
         "dependencies.JsonKit.at-least must be a build number", "0 is not between 1 and 9223372036854775807", "")],
    ),
    "at-least of a wrong type": (
        MAKE + '[dependencies]\nJsonKit = { interface = "2.0", at-least = "7" }\n',
        [(6, "dependencies.JsonKit.at-least", "wrong-type",
         "dependencies.JsonKit.at-least must be an integer", "it is a string", "")],
    ),
    "at-least is a boolean": (
        MAKE + '[dependencies]\nJsonKit = { interface = "2.0", at-least = true }\n',
        [(6, "dependencies.JsonKit.at-least", "wrong-type",
         "dependencies.JsonKit.at-least must be an integer", "it is a boolean", "")],
    ),
    "at-least too large": (
        MAKE + '[dependencies]\nJsonKit = { interface = "2.0", at-least = 0x' + "f" * 5000 + ' }\n',
        [(6, "dependencies.JsonKit.at-least", "wrong-value",
         "dependencies.JsonKit.at-least must be a build number", "it is not between 1 and 9223372036854775807", "")],
    ),
    "interface of a wrong type in a table": (
        MAKE + '[dependencies]\nJsonKit = { interface = 2 }\n',
        [(6, "dependencies.JsonKit.interface", "wrong-type",
         "dependencies.JsonKit.interface must be a string", "it is an integer", 'write it in quotes: "2"')],
    ),
    "names that differ in case": (
        MAKE + '[dependencies]\nJsonKit = "2.0"\njsonkit = "2.0"\n',
        [(7, "dependencies.jsonkit", "conflict", "'jsonkit' is there twice in [dependencies]",
         "it differs from 'JsonKit' only in case", "")],
    ),
    "itself": (
        MAKE + '[test-dependencies]\nShop = "1.0"\n',
        [(6, "test-dependencies.Shop", "conflict", "Shop depends on itself", "", "remove the line")],
    ),
    "itself, another line": (
        MAKE + '[runtime-dependencies]\nshop = "2.0"\n',
        [(6, "runtime-dependencies.shop", "conflict", "Shop depends on itself",
         "its closure would hold two of its interfaces", "remove the line")],
    ),
    "itself as a tool": (
        MAKE + '[build-tools]\nShop = "1.0"\n',
        [(6, "build-tools.Shop", "conflict", "Shop depends on itself", "", "remove the line")],
    ),
    "winner as a table": (
        MAKE + '[resolves-conflict-dependencies]\nJsonKit = { interface = "2.0" }\n',
        [(6, "resolves-conflict-dependencies.JsonKit", "wrong-type",
         "resolves-conflict-dependencies.JsonKit must be an interface version", "it is a table",
          'write the version as text, such as "1.0"')],
    ),
    "winner with a bad version": (
        MAKE + '[resolves-conflict-dependencies]\nJsonKit = ""\n',
        [(6, "resolves-conflict-dependencies.JsonKit", "wrong-value", "'' is not an interface version",
         "it is empty", "")],
    ),
    "removed as a boolean": (
        MAKE + '[remove-dependencies]\nJsonKit = true\n',
        [(6, "remove-dependencies.JsonKit", "wrong-type",
         "remove-dependencies.JsonKit must be an interface version", "it is a boolean",
          'write the version as text, such as "1.0"')],
    ),
    "removed with a bad name": (
        MAKE + '[remove-dependencies]\n"Json Kit" = "1.0"\n',
        [(6, 'remove-dependencies."Json Kit"', "wrong-value", "'Json Kit' is not a package name", NAME_RULE, "")],
    ),
    "removed and winning": (
        MAKE + '[resolves-conflict-dependencies]\nJsonKit = "2.0"\n[remove-dependencies]\nJsonKit = "2.0"\n',
        [(8, "remove-dependencies.JsonKit", "conflict", "JsonKit-2.0 is removed and wins at once",
         "it is in [resolves-conflict-dependencies] too", "keep one of the two")],
    ),
    "removed and depended on": (
        MAKE + '[dependencies]\nJsonKit = "2.0"\n[remove-dependencies]\nJsonKit = "2.0"\n',
        [(8, "remove-dependencies.JsonKit", "conflict", "JsonKit-2.0 is removed and depended on at once",
         "it is in [dependencies] too, on line 6", "keep one of the two")],
    ),
    "closure, near": (
        MAKE + '[build]\nclosure = "Direct"\n',
        [(6, "build.closure", "wrong-value", "build.closure cannot be 'Direct'", "", "did you mean 'direct'?")],
    ),
    "closure, nothing near": (
        MAKE + '[build]\nclosure = "all"\n',
        [(6, "build.closure", "wrong-value", "build.closure cannot be 'all'", "", "one of 'transitive', 'direct'")],
    ),
    "closure of a wrong type": (
        MAKE + '[build]\nclosure = 1\n',
        [(6, "build.closure", "wrong-type", "build.closure must be a string", "it is an integer", "")],
    ),
    "timeout of zero": (
        MAKE + '[build]\ntimeout = 0\n',
        [(6, "build.timeout", "wrong-value", "build.timeout is out of range",
         "0 is not between 1 and 86400 seconds", "")],
    ),
    "timeout over a day": (
        MAKE + '[build]\ntimeout = 86401\n',
        [(6, "build.timeout", "wrong-value", "build.timeout is out of range",
         "86401 is not between 1 and 86400 seconds", "")],
    ),
    "timeout of a wrong type": (
        MAKE + '[build]\ntimeout = "60"\n',
        [(6, "build.timeout", "wrong-type", "build.timeout must be an integer", "it is a string", "")],
    ),
    "unknown option": (
        MAKE + '[build]\ntarget = "x"\n',
        [(6, "build.target", "unknown-key", "unknown key 'target' in [build]", "", "did you mean 'targets'?")],
    ),
    "option of another system": (
        MAKE + '[build]\nscripts = {}\n',
        [(6, "build.scripts", "unknown-key", "unknown key 'scripts' in [build]",
         "", "known keys: 'closure', 'timeout', 'install-target', 'makefile', 'targets', 'test-target', 'variables'")],
    ),
    "missing option": (
        COMMAND,
        [(0, "build.build", "missing-key", "missing key 'build' in [build]",
         "", 'shell commands that leave the artifact in "$BRAZIL_OUT", run in the source by `/bin/sh -eu`')],
    ),
    "blank required option": (
        COMMAND + '[build]\nbuild = "  "\n',
        [(6, "build.build", "wrong-value", "build.build must not be empty", "", "")],
    ),
    "option with a control character": (
        COMMAND + '[build]\nbuild = "echo \\u001b[1m"\n',
        [(6, "build.build", "wrong-value", "build.build cannot be kept", "it holds the control character U+001B", "")],
    ),
    "string option of a wrong type": (
        COMMAND + '[build]\nbuild = ["make"]\n',
        [(6, "build.build", "wrong-type", "build.build must be a string", "it is an array", "")],
    ),
    "strings option as a string": (
        MAKE + '[build]\ntargets = "all"\n',
        [(6, "build.targets", "wrong-type", "build.targets must be an array of strings", "it is a string", "")],
    ),
    "strings option with an integer": (
        MAKE + '[build]\ntargets = [\n  "all",\n  7,\n]\n',
        [(8, "build.targets[1]", "wrong-type", "build.targets must be an array of strings",
         "build.targets[1] is an integer", "")],
    ),
    "target like an option": (
        MAKE + '[build]\ntargets = ["--eval=x"]\n',
        [(6, "build.targets[0]", "wrong-value", "build.targets[0] cannot be '--eval=x'",
         "it must be a make target of letters, digits and any of _ . / % + @ , -", "")],
    ),
    "target that sets a variable": (
        MAKE + '[build]\ninstall-target = "A=1"\n',
        [(6, "build.install-target", "wrong-value", "build.install-target cannot be 'A=1'",
         "it must be a make target of letters, digits and any of _ . / % + @ , -", "")],
    ),
    "makefile outside": (
        MAKE + '[build]\nmakefile = "../Makefile"\n',
        [(6, "build.makefile", "wrong-value", "build.makefile cannot be '../Makefile'",
         "it must be a relative path without '..'", "")],
    ),
    "table option as a string": (
        MAKE + '[build]\nvariables = "CC=cc"\n',
        [(6, "build.variables", "wrong-type", "build.variables must be a table of strings", "it is a string", "")],
    ),
    "table option with an integer": (
        MAKE + '[build.variables]\nLEVEL = 2\n',
        [(6, "build.variables.LEVEL", "wrong-type", "build.variables must be a table of strings",
         "build.variables.LEVEL is an integer", "")],
    ),
    "table option with a bad key": (
        MAKE + '[build.variables]\nPREFIX = "/usr"\n',
        [(6, "build.variables.PREFIX", "wrong-value", "'PREFIX' cannot be a key of this table",
         "it must be the name of a variable other than PREFIX", "")],
    ),
    "table option with a control character in a key": (
        MAKE + '[build.variables]\n"A\\u0001" = "x"\n',
        [(6, "build.variables.\"A\\x01\"", "wrong-value", "'A\\x01' cannot be a key of this table",
         "it must hold only printable characters, and no backslash", "")],
    ),
    "source outside": (
        PYTHON + '[build]\nsource = "/etc"\n',
        [(6, "build.source", "wrong-value", "build.source cannot be '/etc'",
         "it must be a relative path without '..'", "")],
    ),
    "package that is a path": (
        PYTHON + '[build]\npackages = ["shop/main"]\n',
        [(6, "build.packages[0]", "wrong-value", "build.packages[0] cannot be 'shop/main'",
         "it must be the name of a package or module at the top of the source", "")],
    ),
    "script that is no function": (
        PYTHON + '[build.scripts]\npay = "shop.main"\n',
        [(6, "build.scripts.pay", "wrong-value", "build.scripts.pay cannot be 'shop.main'",
         "it must be 'module:function'", "")],
    ),
    "script that is a path": (
        PYTHON + '[build.scripts]\n"../pay" = "shop:main"\n',
        [(6, 'build.scripts."../pay"', "wrong-value", "'../pay' cannot be a key of this table",
         "it must be the name of a program", "")],
    ),
    "output of a wrong type": (
        MAKE + '[outputs]\n"bin/*" = 1\n',
        [(6, 'outputs."bin/*"', "wrong-type", 'outputs."bin/*" must be a string', "it is an integer", "")],
    ),
    "output of a bad type": (
        MAKE + '[outputs]\n"bin/*" = "Bin files"\n',
        [(6, 'outputs."bin/*"', "wrong-value", 'outputs."bin/*" cannot be \'Bin files\'',
         "it must be a word of lower-case letters, digits and dashes, such as 'bin'", "")],
    ),
    "output outside": (
        MAKE + '[outputs]\n"../x" = "bin"\n',
        [(6, 'outputs."../x"', "wrong-value", "'../x' is not an output pattern",
         "it must be a relative path pattern without '..', such as 'bin/*'", "")],
    ),
}
# fmt: on


def parse(text: str | bytes) -> Manifest:
    data = text if isinstance(text, bytes) else text.encode()
    return parse_manifest(data, file="brazil.toml", systems=option_specs())


def problems(text: str | bytes) -> tuple[Problem, ...]:
    with pytest.raises(UsageError) as caught:
        parse(text)
    return caught.value.problems


@pytest.mark.parametrize("name", BAD)
def test_every_mistake_has_its_message(name: str) -> None:
    text, expected = BAD[name]
    assert list(problems(text)) == [
        Problem("manifest." + code, what, because, hint, "brazil.toml", line, key)
        for line, key, code, what, because, hint in expected
    ]


@pytest.mark.parametrize("name", BAD)
def test_messages_are_one_printable_line_in_our_form(name: str) -> None:
    for problem in problems(BAD[name][0]):
        for text in (problem.what, problem.because, problem.hint, problem.key):
            assert text.isprintable()
            assert not text.endswith(".")
            assert len(text) < 400


def test_all_problems_at_once_in_the_order_of_the_file() -> None:
    text = '[outputs]\n"/x" = "bin"\n[build]\ntimeout = 0\n[dependencies]\nA = 1\nB = ""\n[package]\nname = "-"\n'
    assert [(p.line, p.key) for p in problems(text)] == [
        (2, 'outputs."/x"'),
        (4, "build.timeout"),
        (6, "dependencies.A"),
        (7, "dependencies.B"),
        (8, "package.interface"),
        (8, "package.build-system"),
        (9, "package.name"),
    ]
