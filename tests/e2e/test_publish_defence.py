from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest

from brazil.model.names import parse_interface
from brazil.model.versionset import Draft, NewVersion, Revision
from brazil.operations import publishing
from tests.e2e.product import Product, toml

pytestmark = pytest.mark.sandbox

STAMP, MONEY = parse_interface("Stamp-1.0"), parse_interface("Money-1.0")


def without_a_pin(draft: Draft, _: Revision) -> Draft:
    pins = {
        interface: pin._replace(against=tuple(i for i in pin.against if i != STAMP))
        if isinstance(pin, NewVersion)
        else pin
        for interface, pin in draft.pins.items()
        if interface != STAMP
    }
    results = {p: {i: r for i, r in per_pin.items() if i != STAMP} for p, per_pin in draft.results.items()}
    return draft._replace(pins=pins, results=results)


def with_a_consumer_that_was_built_against_another(draft: Draft, base: Revision) -> Draft:
    """Keep the records of the consumers, as if the changed package had come out the same."""
    return draft._replace(pins={**base.records, MONEY: draft.pins[MONEY]})


@pytest.mark.parametrize(
    ("break_", "told"),
    [
        (without_a_pin, "[invariant.closed]"),
        (with_a_consumer_that_was_built_against_another, "[invariant.consistent]"),
    ],
)
def test_a_revision_that_breaks_an_invariant_is_never_written(
    shop: Product, break_: Callable[[Draft, Revision], Draft], told: str
) -> None:
    work = shop.workspace("Money")
    work.edit("Money", "money.c", "return", "if (a == 77) return 78; return")
    work.commit("Money", "a special price")
    refs = work.refs()
    make = publishing._draft

    def broken(request: Any, policy: Any, candidate: Any, *rest: Any) -> Draft:
        return break_(make(request, policy, candidate, *rest), candidate.base)

    with mock.patch.object(publishing, "_draft", broken):
        answer = work.run("publish")
    assert answer.code == 70
    assert told in answer.err
    assert work.refs() == refs
    assert work.run("publish").code == 0


def test_a_number_that_nothing_published_now_can_have_is_refused_before_building(shop: Product) -> None:
    text = toml("Late", dependencies={}, build={"build": 'touch "$BRAZIL_OUT/made"'})
    text += '[dependencies.Rates]\ninterface = "1.0"\nat-least = 99\n'
    shop.add("Late", {"brazil.toml": text.replace("[dependencies]\n", "")})
    shop.ok("vs", "create", "late", "--target", "Late-1.0")
    answer = shop.run("publish", "--set", "late", "-p", "Late", "-p", "Rates")
    assert answer.code == 2
    assert "Late-1.0 needs Rates-1.0.99 or newer: what is published now would be Rates-1.0.2" in answer.err
    assert "[publish.at-least]" in answer.err
    assert "built" not in answer.err
