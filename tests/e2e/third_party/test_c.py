"""A C library by autotools and one by CMake, from the sources that Debian builds them from, and a program with both."""

from pathlib import Path

import pytest

from brazil.model.tested import CaseEnd
from tests.e2e.product import open_shop, options, toml
from tests.e2e.systems import need, runs
from tests.e2e.third_party.fetch import from_debian_source, make_package

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.slow,
    need("apt-get", "dpkg-source", "patch", "cmake", "make", "cc", "pkg-config"),
]

_YAML = toml("LibYaml", "autotools", interface="0.2") + '\n[build]\narguments = ["--disable-static"]\n'
_JSON = toml("CJson", "cmake", interface="1.7") + '\n[build]\nvariables = { ENABLE_CJSON_UTILS = "ON" }\n'

# Reads a list of YAML, writes a list of JSON.
_USE = r"""
#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

int main(int count, char **texts)
{
    cJSON *list = cJSON_CreateArray();
    yaml_parser_t parser;
    yaml_event_t event;
    int end = count != 2 || !yaml_parser_initialize(&parser);

    if (end)
        return 1;
    yaml_parser_set_input_string(&parser, (const unsigned char *)texts[1], strlen(texts[1]));
    while (!end && yaml_parser_parse(&parser, &event)) {
        if (event.type == YAML_SCALAR_EVENT)
            cJSON_AddItemToArray(list, cJSON_CreateString((const char *)event.data.scalar.value));
        end = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    puts(cJSON_PrintUnformatted(list));
    return 0;
}
"""
_MAKEFILE = """\
to-json: to-json.c
\t$(CC) -o $@ $< `pkg-config --cflags --libs yaml-0.1 libcjson`
install: to-json
\tmkdir $(PREFIX)/bin
\tcp to-json $(PREFIX)/bin/
"""


def test_libraries_of_debian(tmp_path: Path) -> None:
    (tmp_path / "fetched").mkdir()
    yaml, json = from_debian_source(tmp_path / "fetched", "libyaml", "cjson")
    use = {
        "brazil.toml": toml("Use", "make", dependencies={"CJson": "1.7", "LibYaml": "0.2"}),
        "Makefile": _MAKEFILE,
        "to-json.c": _USE,
    }
    shop = open_shop(tmp_path / "shop", {"Use": use}, ["Use-1.0"])
    make_package(shop, yaml, "LibYaml", _YAML)
    make_package(shop, json, "CJson", _JSON)
    shop.ok("publish", "--set", "shop/dev", *options("-p", ("Use", "CJson", "LibYaml")))
    found = runs(shop)
    for package, at_least in (("LibYaml-0.2", 2), ("CJson-1.7", 15)):
        tested = found[f"test {package}"].tested
        assert tested.count(CaseEnd.PASSED) >= at_least
        assert (tested.count(CaseEnd.FAILED, CaseEnd.ERROR), tested.unreadable) == (0, ())
        artifact = found[f"build {package}"].files
        assert not [path for path, data in artifact.items() if path.endswith(".la") or b"/brazil/src" in data]
    assert shop.workspace().process("exec", "Use", "--", "to-json", "[a, 'b \"c\"']").out == '["a","b \\"c\\""]\n'
