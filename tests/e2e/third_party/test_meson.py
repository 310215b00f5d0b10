"""A C library by Meson, from the sources that Debian builds it from, and a program that uses it."""

from pathlib import Path

import pytest

from brazil.model.tested import CaseEnd
from tests.e2e.product import open_shop, toml
from tests.e2e.systems import need, runs
from tests.e2e.third_party.fetch import from_debian_source, make_package

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.slow,
    need("apt-get", "dpkg-source", "patch", "meson", "ninja", "cc", "pkg-config"),
]

_FRIBIDI = toml("FriBidi", "meson", interface="1") + '[build]\noptions = { docs = "false" }\n'

# Says in which direction a text is read.
_USE = {
    "brazil.toml": toml("Use", "meson", dependencies={"FriBidi": "1"}),
    "meson.build": "project('use', 'c')\nexecutable('direction', 'use.c', dependencies: dependency('fribidi'), "
    "install: true)\n",
    "use.c": r"""
#include <fribidi.h>
#include <stdio.h>
#include <string.h>

int main(int count, char **texts)
{
    FriBidiChar characters[100];
    FriBidiCharType types[100];
    FriBidiStrIndex length = strlen(texts[count - 1]);

    length = fribidi_charset_to_unicode(FRIBIDI_CHAR_SET_UTF8, texts[count - 1], length, characters);
    fribidi_get_bidi_types(characters, length, types);
    puts(fribidi_get_par_direction(types, length) == FRIBIDI_PAR_RTL ? "from right to left" : "from left to right");
    return 0;
}
""",
}


def test_a_library_of_debian(tmp_path: Path) -> None:
    (tmp_path / "fetched").mkdir()
    (source,) = from_debian_source(tmp_path / "fetched", "fribidi")
    shop = open_shop(tmp_path / "shop", {"Use": _USE}, ["Use-1.0"])
    make_package(shop, source, "FriBidi", _FRIBIDI)
    shop.ok("publish", "--set", "shop/dev", "-p", "Use", "-p", "FriBidi")
    tested = runs(shop)["test FriBidi-1"].tested
    assert (tested.count(CaseEnd.PASSED) >= 5, tested.count(CaseEnd.FAILED), tested.unreadable) == (True, 0, ())
    work = shop.workspace()
    assert work.process("exec", "Use", "--", "direction", "\u05e9\u05dc\u05d5\u05dd").out == "from right to left\n"
    assert work.process("exec", "Use", "--", "direction", "Ada").out == "from left to right\n"
