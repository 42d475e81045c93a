# SPDX-License-Identifier: BSD-3-Clause
"""The one table of keys: what is derived from it holds for every key, a new one too."""

import ast
import inspect
import json
import subprocess
import sys
from collections.abc import Callable, Hashable
from copy import deepcopy
from dataclasses import fields
from pathlib import Path
from types import NoneType
from typing import get_args, get_type_hints

import pytest
from tests.here import CHECKOUT
from tests.runner.experiment.client_groups import EVERYTHING
from tests.runner.experiments import GIL, SMALL, parse

from fibench import tasks
from fibench.document import Source, apply_overrides, check_document, parse_toml, read_overrides
from fibench.parameters import (
    GROUP_KEYS,
    KEYS,
    PLAN_KEYS,
    Group,
    Kind,
    Parameters,
    Scalar,
    arguments,
    groups,
    kinds,
    options,
    server_option,
    shown_value,
)
from fibench.parameters.keys import KEY, Key
from fibench.parameters.kinds import HOST, Fault

KINDS: dict[Callable[..., Kind[Scalar]], tuple[Kind[Scalar], str, Scalar, str]] = {
    kinds.whole: (kinds.whole(1, 9), "7", 7, "7"),
    kinds.duration: (kinds.duration(0, 9), "20ms", 0.02, "20ms"),
    kinds.duration_or_auto: (kinds.duration_or_auto(0, 9), "auto", "auto", "auto"),
    kinds.rate: (kinds.rate(1, 900), "500", 500.0, "500/s"),
    kinds.or_search: (kinds.or_search(kinds.rate(1, 900)), "search", "search", "search"),
    kinds.share: (kinds.share(0.5), "0.25", 0.25, "0.25"),
    kinds.flag: (kinds.flag(), "true", 1, "true"),
    kinds.cpu_list: (kinds.cpu_list(), "3,0,1", "0-1,3", "0-1,3"),
    kinds.interpreter: (kinds.interpreter(), "3.13", "3.13", "3.13"),
    kinds.choice: (kinds.choice("message", "line"), "line", "line", "line"),
    kinds.of_own_axis: (kinds.of_own_axis(), "off", "off", "off"),
    kinds.pattern: (kinds.pattern(HOST, "a host"), "::1", "::1", "::1"),
}
"""A kind of each sort, a text of an option, what that means, and how that is shown."""


def word_for(kind: Kind[Hashable]) -> str:
    """What an option can be given for a key of a kind."""
    names = kind.schema.get("enum", [])
    assert isinstance(names, list)
    for text in ("7", "50", "0.25", "1s", "true", "0,2", "3.13", "::1", *names):
        try:
            kind.check(text if kind.commas else kind.word(text))
        except Fault:
            continue
        return str(text)
    raise AssertionError("no sample fits: add one")


def test_every_sort_of_kind_is_looked_at() -> None:
    made = inspect.getmembers(kinds, inspect.isfunction)
    returns = {make: str(inspect.signature(make).return_annotation) for _, make in made}
    assert KINDS.keys() == {make for make, kind in returns.items() if kind.startswith("Kind[")}


@pytest.mark.parametrize("sort", list(KINDS), ids=lambda sort: str(sort.__name__))
def test_a_word_of_the_command_line_means_what_it_means_in_the_file(
    sort: Callable[..., Kind[Scalar]],
) -> None:
    kind, text, value, shown = KINDS[sort]
    assert kind.check(text if kind.commas else kind.word(text)) == value
    assert kind.check(kind.filed(value)) == value, "as the file would have it"
    assert kind.shown(value) == shown
    assert kind.holds(value)
    assert not kind.holds([value])
    assert not kind.holds(None)


def test_a_duration_that_may_be_found_out_may_be_given_too() -> None:
    kind = kinds.duration_or_auto(0, 9)
    assert kind.check("20ms") == 0.02
    assert (kind.shown(0.02), kind.filed(0.02)) == ("20ms", "20ms")
    assert kind.holds(0.02)
    assert not kind.holds("20ms")
    with pytest.raises(Fault, match="outside 0s to 9s"):
        kind.check("10s")
    with pytest.raises(Fault, match="is no duration") as raised:
        kind.check("automatic")
    assert raised.value.hint == 'write a number and a unit: "0.7s", "200ms", or "auto"'


@pytest.mark.parametrize("name", [*KEYS, *PLAN_KEYS])
def test_every_key_is_an_option_whose_value_comes_into_the_file(name: str) -> None:
    key: Key[Hashable] = KEYS[name] if name in KEYS else PLAN_KEYS[name]
    text = word_for(key.kind)
    source = Source("e.toml", SMALL)
    sound = check_document(parse_toml(SMALL, "e.toml"), source)
    assert sound is not None
    file = apply_overrides(sound.file, read_overrides({name: text})).file
    table = {"server": file.server, "load": file.load, "plan": file.plan}[key.table]
    expected = key.kind.check(text if key.kind.commas else key.kind.word(text))
    assert getattr(table, key.written or name) == expected
    if key.varies:
        axis = apply_overrides(sound.file, read_overrides({name: f"{text},{text}"})).file
        assert [one.given()[name] for one in axis.matrix] == [[expected, expected]]


def test_the_options_are_in_the_order_in_which_a_plan_keeps_them() -> None:
    assert list(options()) == [
        "backend", "clients", "n", "rate", "port", "framing", "interpreter", "blocks", "duration",
        "warmup", "requests", "seed", "request", "timelines",
    ]  # fmt: skip


def test_serve_takes_every_key_that_our_servers_take_as_the_table_has_it() -> None:
    said = {one.attr_name or one.name: one.help for one in deepcopy(tasks.serve).get_arguments()}
    assert arguments().items() <= said.items()
    assert arguments().keys() == {name for name, key in KEYS.items() if key.argument is not None}


def test_the_command_line_lists_no_key_a_second_time() -> None:
    """But for those of `serve` that it does not hand on, and the duration of `bench`."""
    fibench = CHECKOUT / "src_py" / "fibench"
    files = (fibench / "tasks.py", fibench / "develop" / "tasks_of_sources.py")
    nodes = [node for path in files for node in ast.walk(ast.parse(path.read_bytes()))]
    words = {node.value for node in nodes if isinstance(node, ast.Constant)}
    named = {node.arg for node in nodes if isinstance(node, ast.arg)}
    keys = {spelled for name in (*KEYS, *PLAN_KEYS) for spelled in (name, server_option(name)[2:])}
    assert keys & (named | words) == {"port", "interpreter", "duration"}


def test_the_type_of_a_parameter_is_that_of_its_kind() -> None:
    hints = get_type_hints(Parameters)
    for one in fields(Parameters):
        if KEY in one.metadata:
            allowed = flat(hints[one.name])
            types = {str if isinstance(each, str) else each for each in allowed}
            assert types - {NoneType} == set(flat(KEYS[one.name].kind.type)), one.name
            assert (NoneType in types) != bool(one.metadata.get("always")), one.name


def flat(hint: object) -> list[object]:
    """The types, or the words, that a hint allows."""
    parts = get_args(hint)
    return [each for part in parts for each in flat(part)] if parts else [hint]


def test_a_client_group_has_the_keys_that_the_table_says_and_each_is_written_and_read() -> None:
    assert {one.name for one in fields(Group)} == {"name", *GROUP_KEYS, "idle"}
    hints = get_type_hints(Group)
    for name in GROUP_KEYS:
        kind = KEYS[name].kind
        assert kind.type in flat(hints[name]) or hints[name] is kind.type, name
        value = kind.check(kind.word(word_for(kind)))
        group = Group.of_values({"name": "a", "clients": 3, name: value})
        assert groups.parse(groups.written([group])) == (group,), name


@pytest.mark.parametrize("text", [GIL, SMALL, EVERYTHING], ids=["gil", "small", "everything"])
def test_what_is_written_is_read_again(text: str) -> None:
    for cell in parse(text).cells:
        kept = json.loads(json.dumps(cell.parameters.as_json()))
        assert Parameters.read(kept) == cell.parameters
        every = [name for name, key in KEYS.items() if not key.optional]
        assert list(kept) == ["backend", *every, "groups"], "in the order of files that are there"


@pytest.mark.parametrize("name", ["backend", "groups", *KEYS])
@pytest.mark.parametrize("wrong", [[], {}, True, "no", 0.5, 7])
def test_what_is_no_parameter_is_refused(name: str, wrong: object) -> None:
    whole = Parameters(backend="a").as_json()
    allowed = [str] if name in ("backend", "groups") else flat(KEYS[name].kind.type)
    fits = type(wrong) in allowed or (float in allowed and type(wrong) is int)
    of_few_words = name in ("groups", "framing", "kind", "arrivals")
    if fits and not of_few_words and not (name == "warmup" and wrong == "no"):
        assert Parameters.read({**whole, name: wrong}).value_of(name) == wrong
    else:
        with pytest.raises(ValueError, match=r"."):
            Parameters.read({**whole, name: wrong})


def test_a_plan_of_before_a_key_has_none_and_one_of_later_keeps_what_it_has() -> None:
    whole = Parameters(backend="a").as_json()
    before = {name: value for name, value in whole.items() if name != "interpreter"}
    assert Parameters.read(before).interpreter is None
    later = Parameters.read({**whole, "zipf": 1.5})
    assert later.as_json()["zipf"] == 1.5
    assert later != Parameters.read({**whole, "zipf": 2.5}), "they are two cells"
    with pytest.raises(ValueError, match="zipf"):
        Parameters.read({**whole, "zipf": [1]})


def test_flags_rates_and_durations_are_shown_as_the_file_has_them() -> None:
    assert [
        shown_value(name, value)
        for name, value in (("spin", 1), ("rate", 500.0), ("io_wait", 0.002), ("port", None))
    ] == ["true", "500/s", "2ms", "default"]


def test_the_command_line_knows_its_options_without_the_models() -> None:
    """`invoke --list` must answer at once."""
    code = "import sys, fibench.tasks; sys.exit('pydantic' in sys.modules)"
    folder: Path = CHECKOUT / "src_py"
    assert subprocess.run([sys.executable, "-c", code], cwd=folder, check=False).returncode == 0
