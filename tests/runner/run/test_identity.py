# SPDX-License-Identifier: BSD-3-Clause
"""What a run's numbers depend on, and what is said when that has changed."""

import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.runner.experiments import KNOWN
from tests.runner.trials import CATALOGUE, run, trial

from fibench.backends.catalogue import Backend, read_catalogue
from fibench.backends.interpreters import Interpreter
from fibench.experiment.experiment import Experiment, parse_experiment
from fibench.folders import find_places
from fibench.plan.trials import Role, plan
from fibench.run._identity import TOLD_ONLY, Identity, difference, identity, with_modules
from fibench.run.request import Request, context_of

BASE = """
title = "t"
[matrix]
backend = ["c-mt", "py-mt"]
[load]
duration = "0.1s"
[plan]
timelines = false
blocks = 2
"""

NOW: Identity = {
    "schema": 2, "parameters": "p", "programs": {"a": "1", "b": "2"}, "interpreters": {},
    "left_out": [], "tails": [], "noise": None,
    "boot_id": "x", "kernel": "6.1", "governor": None, "power_source": "mains", "cores": [[0]],
}  # fmt: skip


def _catalogue() -> dict[str, Backend]:
    return read_catalogue(find_places().catalogue)


def _identity(
    text: str,
    programs: Path,
    folder: Path = Path(),
    interpreters: Mapping[str, Interpreter] | None = None,
) -> Identity:
    experiment: Experiment = parse_experiment(text, "e.toml", KNOWN, None, folder)
    places = replace(find_places(), programs=programs)
    request = Request(
        experiment, folder / "e.toml", _catalogue(), places, interpreters=interpreters or {}
    )
    return identity(experiment, plan(experiment), context_of(request))


def test_nothing_changed_is_no_difference(programs: Path) -> None:
    assert difference(_identity(BASE, programs), _identity(BASE, programs)) is None


@pytest.mark.parametrize(
    "change", ['blocks = 3', 'blocks = "auto"', '[server]\nframing = "line"', "exclude"]
)  # fmt: skip
def test_other_parameters_are_a_difference(programs: Path, change: str) -> None:
    text = BASE.replace("blocks = 2", change) if change != "exclude" else BASE
    text = text.replace(', "py-mt"', "") if change == "exclude" else text
    why = difference(_identity(BASE, programs), _identity(text, programs))
    assert why == "its parameters, blocks or seed were others"


def test_words_and_claims_are_no_difference(programs: Path) -> None:
    text = BASE.replace('"t"', '"another title"') + (
        '[[claim]]\nsays = "s"\nvalue = { backend = "c-mt" }\nmetric = "p50"\nbelow = "5ms"\n'
    )
    assert difference(_identity(BASE, programs), _identity(text, programs)) is None


def test_only_the_programs_that_run_are_hashed_shared_modules_included(programs: Path) -> None:
    names = set(_identity(BASE, programs)["programs"])
    assert {"mt_server", "mt_server.py", "fibserver.py", "fibprotocol.py"} <= names
    assert {"fibload", "supervise"} <= names
    assert not {"mp_server.py", "fibasync.py", "client.py", "bare_echo"} & names
    assert "absent" not in _identity(BASE, programs)["programs"].values()


def test_the_courses_clients_are_hashed_where_they_are_the_load(programs: Path) -> None:
    text = BASE.replace('duration = "0.1s"', 'kind = "process"')
    assert {"client.py", "client_bench.sh"} <= set(_identity(text, programs)["programs"])


@pytest.mark.parametrize("name", ["mt_server", "fibserver.py", "supervise"])
def test_a_changed_program_is_named(programs: Path, tmp_path: Path, name: str) -> None:
    copy = tmp_path / "programs"
    shutil.copytree(programs, copy)
    before = _identity(BASE, copy)
    with (copy / name).open("ab") as stream:
        stream.write(b"\n")
    assert difference(before, _identity(BASE, copy)) == f"{name} has changed since"


def test_a_script_in_the_command_of_a_server_of_ones_own_is_hashed(
    programs: Path, tmp_path: Path
) -> None:
    text = BASE.replace('["c-mt", "py-mt"]', '"mine"') + (
        '[backends.mine]\ncommand = ["python3", "mine.py", "{port}", "a very\\nlong word"]\n'
    )
    (tmp_path / "mine.py").write_text("pass")
    before = _identity(text, programs, tmp_path)
    assert {"mine: mine.py", "mine: python3"} <= set(before["programs"])
    (tmp_path / "mine.py").write_text("pass # changed")
    why = difference(before, _identity(text, programs, tmp_path))
    assert why == "mine: mine.py has changed since"


def test_modules_are_followed_through_modules(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import os, b\n")
    (tmp_path / "b.py").write_text("if True:\n    from c import x as y\n")
    (tmp_path / "c.py").write_text("import a.b\n")
    (tmp_path / "d.py").write_text("")
    names = {path.name for path in with_modules(tmp_path / "a.py")}
    assert names == {"a.py", "b.py", "c.py"}


# Backends and what else a trial reads

FIELDS = [field.name for field in fields(Backend)]


class Seen(Backend):
    """A backend that notes which of its fields are read."""

    read: ClassVar[set[str]] = set()

    def __getattribute__(self, name: str) -> object:
        if name in FIELDS:
            Seen.read.add(name)
        return super().__getattribute__(name)


@pytest.mark.parametrize("name", ["c-sync", "c-null", "c-mt-pool", "py-mt"])
@pytest.mark.parametrize(
    "role", ["measure", pytest.param("syscalls", marks=pytest.mark.needs("strace"))]
)
def test_every_field_of_a_backend_that_a_trial_reads_is_compared(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, role: Role
) -> None:
    monkeypatch.setitem(CATALOGUE, name, Seen(**vars(CATALOGUE[name])))
    what = trial(name, role=role)
    Seen.read.clear()
    assert run(what, programs, tmp_path)["valid"]
    assert {"program", "ranked", "cap"} <= Seen.read
    assert Seen.read.isdisjoint(TOLD_ONLY)


def _other(value: object) -> Any:
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case tuple():
            return (*value, "more")
        case None:
            return 7
    return f"{value}, otherwise"


@pytest.mark.parametrize("name", FIELDS)
def test_what_the_catalogue_says_of_a_backend_is_compared_but_for_words(name: str) -> None:
    experiment = parse_experiment(BASE, "e.toml", KNOWN)
    before = Request(experiment, Path("e.toml"), _catalogue(), find_places())
    one = before.backends["py-mt"]
    changed = replace(one, **{name: _other(getattr(one, name))})
    after = replace(before, backends={**before.backends, "py-mt": changed})
    was, now = (identity(experiment, plan(experiment), context_of(one)) for one in (before, after))
    assert (was["parameters"] == now["parameters"]) == (name in TOLD_ONLY)


@pytest.mark.parametrize("words", [["app/serve.py"], ["-m", "app.serve"], ["-m", "app"]])
def test_the_modules_of_a_package_of_ones_own_are_programs_of_the_run(
    programs: Path, tmp_path: Path, words: list[str]
) -> None:
    files = {
        "app/__init__.py": "",
        "app/__main__.py": "from app import serve",
        "app/serve.py": "import lib.deep.part",
        "lib/__init__.py": "",
        "lib/deep/part.py": "from other import x",
        "venv/part.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    if words[0] != "-m":  # a script's own folder is where its imports begin
        (tmp_path / "app" / "lib").symlink_to(tmp_path / "lib")
    command = json.dumps(["python3", *words, "{port}"])
    text = BASE.replace('"c-mt"', '"mine"') + f"[backends.mine]\ncommand = {command}\n"
    before = _identity(text, programs, tmp_path)
    (tmp_path / "lib" / "deep" / "part.py").write_text("from other import y")
    (tmp_path / "venv" / "part.py").write_text("x = 1")
    changed = "app/lib/deep/part.py" if words[0] != "-m" else "lib/deep/part.py"
    after = _identity(text, programs, tmp_path)
    assert difference(before, after) == f"mine: {changed} has changed since"


@pytest.mark.parametrize("word", ["wsgi:app", "wsgi:make('x:y')", "wsgi:app.inner"])
def test_the_application_that_a_server_is_told_is_a_program_of_the_run(
    programs: Path, tmp_path: Path, word: str
) -> None:
    (tmp_path / "wsgi.py").write_text("import helper")
    (tmp_path / "helper.py").write_text("")
    command = json.dumps(["gunicorn", "-b", "127.0.0.1:{port}", "host:80", word])
    text = BASE.replace('"c-mt"', '"mine"') + f"[backends.mine]\ncommand = {command}\n"
    before = _identity(text, programs, tmp_path)
    (tmp_path / "helper.py").write_text("x = 1")
    after = _identity(text, programs, tmp_path)
    assert difference(before, after) == "mine: helper.py has changed since"


@pytest.mark.parametrize(
    ("words", "env"),
    [
        (["gunicorn", "--chdir", "apps", "wsgi:app"], ""),
        (["uvicorn", "--app-dir=apps", "wsgi:app"], ""),
        (["python3", "-m", "wsgi"], "apps"),
        (["python3", "start.py"], "elsewhere:apps"),
    ],
)
def test_modules_in_a_folder_that_the_command_is_told_are_programs_of_the_run(
    programs: Path, tmp_path: Path, words: list[str], env: str
) -> None:
    (tmp_path / "apps").mkdir()
    (tmp_path / "start.py").write_text("import wsgi")
    (tmp_path / "apps" / "wsgi.py").write_text("import helper")
    (tmp_path / "apps" / "helper.py").write_text("")
    own = f"[backends.mine]\ncommand = {json.dumps([*words, '{port}'])}\n"
    own += f'env = {{ PYTHONPATH = "{env}" }}\n' if env else ""
    text = BASE.replace('"c-mt"', '"mine"') + own
    before = _identity(text, programs, tmp_path)
    (tmp_path / "apps" / "helper.py").write_text("x = 1")
    after = _identity(text, programs, tmp_path)
    assert difference(before, after) == "mine: apps/helper.py has changed since"


@pytest.mark.parametrize(
    "change",
    [
        ("bytes = 10", "bytes = 11"),
        ("listen {port}", "listen *:{port}"),
        ('A = "1"', 'A = "2"'),
        ("SIGQUIT", "SIGTERM"),
        ('get = "/"', 'get = "/up"'),
        ('["make"]', '["make", "-B"]'),
    ],
)
def test_all_that_a_server_of_ones_own_is_told_is_compared(
    programs: Path, tmp_path: Path, change: tuple[str, str]
) -> None:
    told = (
        '[backends.mine]\ncommand = ["./mine", "{dir}"]\nenv = { A = "1" }\nready = { get = "/" }\n'
        'stop = { signal = "SIGQUIT" }\nbuild = ["make"]\n[backends.mine.files]\n'
        '"a" = { bytes = 10 }\n"a.conf" = "listen {port}"\n'
    )
    text = BASE.replace('"c-mt"', '"mine"') + told
    before, same = (_identity(text, programs, tmp_path) for _ in range(2))
    assert difference(before, same) is None
    why = difference(before, _identity(text.replace(*change), programs, tmp_path))
    assert why == "its parameters, blocks or seed were others"


def test_what_counts_system_calls_is_a_program_of_the_run(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracer = tmp_path / "strace"
    tracer.write_text("#!/bin/sh\n")
    tracer.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert "strace" not in _identity(BASE, programs)["programs"]
    text = BASE + (
        '[[claim]]\nsays = "s"\nvalue = { backend = "c-mt" }\n'
        'metric = "syscalls_per_request"\nbelow = 9\n'
    )
    before = _identity(text, programs)
    tracer.write_text("#!/bin/sh\n# another\n")
    assert difference(before, _identity(text, programs)) == "strace has changed since"


# Interpreters

ON_313 = BASE.replace("[load]", 'interpreter = "3.13"\n[load]')


def on(path: str, **more: Any) -> dict[str, Interpreter]:
    one = Interpreter(path, "3.13.1", "CPython", "main", True, False, "00")
    return {"3.13": replace(one, **more)}


def test_the_default_interpreter_is_known_by_its_path(programs: Path) -> None:
    found = _identity(BASE, programs)["interpreters"]
    assert list(found) == [sys.executable]
    assert set(found[sys.executable]) == {
        "path", "version", "implementation", "build", "gil", "free_threaded", "sha256",
    }  # fmt: skip


def test_without_a_server_in_python_no_interpreter_matters(programs: Path) -> None:
    text = BASE.replace(', "py-mt"', "")
    assert _identity(text, programs)["interpreters"] == {}


def test_the_courses_clients_run_on_the_default_interpreter(programs: Path) -> None:
    text = BASE.replace(', "py-mt"', "").replace('duration = "0.1s"', 'kind = "process"')
    assert set(_identity(text, programs)["interpreters"]) == {sys.executable}


def test_a_named_interpreter_is_known_by_its_name(programs: Path) -> None:
    found = _identity(ON_313, programs, interpreters=on("/a"))["interpreters"]
    assert {name: one["path"] for name, one in found.items()} == {"3.13": "/a"}


@pytest.mark.parametrize(
    "change",
    [{"path": "/b"}, {"version": "3.13.2"}, {"build": "other"}, {"sha256": "01"}, {"gil": False}],
)
def test_another_program_behind_a_name_is_a_difference(
    programs: Path, change: dict[str, Any]
) -> None:
    before = _identity(ON_313, programs, interpreters=on("/a"))
    now = _identity(ON_313, programs, interpreters=on(**{"path": "/a", **change}))
    assert (
        difference(before, now)
        == "the Python that runs servers or clients (3.13) has changed since"
    )


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("schema", 1, "an earlier version of fibench kept it, by other rules (schema 1, not 2)"),
        ("schema", 3, "another version of fibench wrote it"),
        ("programs", {"a": "1"}, "b has changed since"),
        ("programs", {"a": "0", "b": "0", "\x1b": "1"}, "have changed since"),
        ("interpreters", {"python": {}}, "the Python that runs servers or clients"),
        ("left_out", ["c-uring-n1-c1-0123456789"], "what can be run here has changed"),
        ("left_out", None, "what can be run here has changed"),
        ("noise", "accept", "FIBENCH_NOISE was accept, and is not set"),
        ("boot_id", "y", "restarted"),
        ("kernel", "6.0", "the kernel was 6.0, and is 6.1"),
        ("governor", "powersave", "the frequency governor was powersave, and is unknown"),
        ("power_source", "battery", "the power source was battery, and is mains"),
        ("cores", [[0], [1]], "other cores"),
    ],
)
def test_what_has_changed_is_said_in_one_clause(key: str, value: object, said: str) -> None:
    why = difference({**NOW, key: value}, NOW)
    assert why is not None
    assert said in why
    assert why.isprintable()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(list(NOW)), JSON))
def test_an_identity_read_from_any_file_is_equal_or_different_and_no_error(
    before: dict[str, Any],
) -> None:
    assert difference(before, NOW) is not None
    assert difference({**NOW, **before}, NOW) is None or before
