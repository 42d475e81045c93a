# SPDX-License-Identifier: BSD-3-Clause
"""What a run measures is what it began with: otherwise it stops, and says what changed."""

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.runner.desk import Desk
from tests.runner.experiments import KNOWN

from fibench.backends.catalogue import read_catalogue
from fibench.experiment.experiment import parse_experiment
from fibench.folders import find_places
from fibench.plan.trials import plan
from fibench.run._identity import backends_used, program_files
from fibench.run._unchanged import ChangedError, Unchanged
from fibench.run.events import Event, RunStarted, TrialFinished
from fibench.run.loop import RunOutcome, run_experiment
from fibench.run.request import Request, context_of
from fibench.store import journal
from fibench.store.folder import RunError
from fibench.store.stops import STOPPED
from fibench.store.stored_run import read_run
from fibench.verdict.reviewing import review

TEXT = """
title = "t"
[backends.mine]
command = [{python}, "./mine.py", "{{port}}"]
[matrix]
backend = ["mine", "c-mt", "py-mt"]
[load]
duration = "30ms"
warmup = "10ms"
n = 5
[plan]
timelines = false
blocks = 2
"""

SERVER = """
import socket, sys
from beside import REPLY
{first}
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    connection, _ = listener.accept()
    with connection:
        connection.recv(256)
        connection.sendall(REPLY)
"""

CHANGES_ITSELF = """
try:
    open("second", "x").close()
except FileExistsError:
    {does}
"""
"""Done at its second start, in the middle of a trial."""


class Bench:
    """A copy of the programs, and a server of one's own, to be changed beneath a run."""

    def __init__(self, folder: Path, programs: Path, first: str = "") -> None:
        self.folder = folder
        self.programs = folder / "programs"
        shutil.copytree(programs, self.programs)
        (folder / "mine.py").write_text(SERVER.format(first=first))
        (folder / "beside.py").write_text('REPLY = b"5"\n')
        self.source = folder / "small.toml"
        self.source.write_text(TEXT.format(python=json.dumps(sys.executable)))
        self.ask(self.source.read_text())

    def ask(self, text: str) -> None:
        """Take this for the experiment."""
        experiment = parse_experiment(text, "small.toml", KNOWN, None, self.folder)
        places = find_places()
        own = replace(places, results=self.folder / "results", programs=self.programs)
        self.request = Request(experiment, self.source, read_catalogue(places.catalogue), own)
        self.trials = plan(experiment)

    def files(self) -> dict[str, Path]:
        context = context_of(self.request)
        return program_files(self.trials, backends_used(self.trials, context), self.programs)

    def run(self, after_two: Callable[[], object] = lambda: None) -> tuple[RunOutcome, list[Event]]:
        """Run; after two trials are kept, something is done."""
        events: list[Event] = []

        def listen(event: Event) -> None:
            events.append(event)
            finished = [one for one in events if isinstance(one, TrialFinished)]
            if len(finished) == 2 and event is finished[-1]:
                after_two()

        return run_experiment(self.request, [listen]), events

    def folders(self) -> list[Path]:
        return sorted((self.folder / "results").glob("*/*"))

    def kept(self, run: Path) -> list[dict[str, Any]]:
        return journal.read(run / "trials.jsonl").records


NAMES = [
    "supervise", "fibload", "mt_server", "mt_server.py", "fibserver.py", "fibprotocol.py",
    "mine: ./mine.py", "mine: beside.py",
]  # fmt: skip


@pytest.fixture
def bench(tmp_path: Path, programs: Path) -> Bench:
    return Bench(tmp_path, programs)


def test_every_program_and_script_that_a_plan_starts_is_watched(bench: Bench) -> None:
    assert set(NAMES) | {f"mine: {sys.executable}"} <= bench.files().keys()


@pytest.mark.parametrize("name", NAMES)
def test_a_program_that_is_changed_or_gone_is_named_by_the_next_look(
    bench: Bench, name: str
) -> None:
    path = bench.files()[name]
    unchanged = Unchanged(bench.trials, context_of(bench.request))
    unchanged.check()
    before, about = path.read_bytes(), path.stat()
    path.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))  # size and time are as they were
    with pytest.raises(ChangedError, match=r"has changed$") as told:
        unchanged.check()
    assert str(told.value).startswith(name)
    path.unlink()
    with pytest.raises(ChangedError, match=r"has gone$"):
        unchanged.check()
    path.write_bytes(before)
    path.chmod(about.st_mode)
    unchanged.check()


def test_a_program_that_may_not_be_executed_any_more_is_as_good_as_gone(bench: Bench) -> None:
    unchanged = Unchanged(bench.trials, context_of(bench.request))
    (bench.programs / "fibload").chmod(0o644)
    with pytest.raises(ChangedError, match="fibload may not be executed any more"):
        unchanged.check()


def _remove(bench: Bench) -> None:
    (bench.programs / "mt_server").rename(bench.folder / "aside")


def _exchange(bench: Bench) -> None:
    with (bench.programs / "mt_server").open("rb") as stream:
        data = stream.read() + b"\n"
    _remove(bench)
    (bench.programs / "mt_server").write_bytes(data)
    (bench.programs / "mt_server").chmod(0o755)


@pytest.mark.parametrize(
    ("does", "what", "hint"),
    [(_remove, "mt_server has gone", "run `invoke build`"),
     (_exchange, "mt_server has changed", "in a run of its own")],
)  # fmt: skip
def test_a_run_stops_at_the_first_program_that_is_not_what_it_was(
    bench: Bench, does: Callable[[Bench], None], what: str, hint: str
) -> None:
    with pytest.raises(RunError) as stopped:
        bench.run(lambda: does(bench))
    assert str(stopped.value) == f"stopped: {what} while the run measured it"
    assert hint in stopped.value.hint
    (run,) = bench.folders()
    assert len(bench.kept(run)) == 2
    assert len(list((run / "trials").iterdir())) == 2
    assert not (run / "claims.json").exists()
    stored = read_run(run, bench.request.places)
    said = f"stopped: {what} while the run measured it"
    assert said in stored.remarks
    assert said in review(stored).marks


def test_a_run_goes_on_when_what_was_gone_is_back_and_is_marked_no_more(bench: Bench) -> None:
    with pytest.raises(RunError):
        bench.run(lambda: _remove(bench))
    (bench.folder / "aside").rename(bench.programs / "mt_server")
    outcome, events = bench.run()
    started = next(event for event in events if isinstance(event, RunStarted))
    assert started.resumed
    assert bench.folders() == [outcome.folder]
    assert not (outcome.folder / STOPPED).exists()
    assert read_run(outcome.folder, bench.request.places).remarks == []


def test_two_programs_never_come_into_one_run(bench: Bench) -> None:
    with pytest.raises(RunError):
        bench.run(lambda: _exchange(bench))
    outcome, events = bench.run()
    started = next(event for event in events if isinstance(event, RunStarted))
    assert not started.resumed
    assert len(bench.folders()) == 2
    assert len(bench.kept(outcome.folder)) == len(bench.trials)


@pytest.mark.parametrize(
    ("does", "what"),
    [("import os; os.unlink(__file__)", "has gone"),
     ("open(__file__, 'a').write('# another')", "has changed")],
)  # fmt: skip
def test_the_trial_in_which_it_happens_is_not_kept(
    tmp_path: Path, programs: Path, does: str, what: str
) -> None:
    bench = Bench(tmp_path, programs, CHANGES_ITSELF.format(does=does))
    with pytest.raises(RunError, match=rf"mine: \./mine\.py {what}"):
        bench.run()
    (run,) = bench.folders()
    kept = bench.kept(run)
    assert sum(one["parameters"]["backend"] == "mine" for one in kept) == 1
    assert len(list((run / "trials").iterdir())) == len(kept)


def test_what_is_touched_or_installed_again_as_it_was_is_the_same(bench: Bench) -> None:
    def install_again() -> None:
        for name in ("mt_server", "fibload"):
            path = bench.programs / name
            shutil.copy(path, bench.folder / name)
            os.replace(bench.folder / name, path)
        (bench.folder / "mine.py").touch()

    outcome, _ = bench.run(install_again)
    assert len(bench.kept(outcome.folder)) == len(bench.trials)


def test_what_a_server_writes_is_no_program_though_its_command_names_it(
    tmp_path: Path, programs: Path
) -> None:
    bench = Bench(tmp_path, programs, "open(sys.argv[2], 'a').write('started\\n')")
    (tmp_path / "log.txt").touch()
    bench.ask(bench.source.read_text().replace('"{port}"', '"{port}", "log.txt"'))
    outcome, _ = bench.run()
    assert len(bench.kept(outcome.folder)) == len(bench.trials)
    assert (tmp_path / "log.txt").read_text().count("started") > 1


@pytest.mark.parametrize("name", ["supervise", "fibload", "mt_server", "mine: ./mine.py"])
def test_what_is_missing_from_the_start_is_named_before_anything_is_measured(
    bench: Bench, name: str
) -> None:
    path = bench.files()[name]
    if name == "mine: ./mine.py":
        bench.ask(bench.source.read_text().replace(json.dumps(sys.executable) + ", ", ""))
    path.unlink()
    with pytest.raises(RunError, match=rf"{name} is missing") as missing:
        bench.run()
    assert ("invoke build" in missing.value.hint) == (not name.startswith("mine"))
    assert bench.folders() == []


def test_the_command_ends_with_1_and_says_what_and_what_to_do(
    tmp_path: Path, programs: Path
) -> None:
    assert programs.is_dir()
    desk = Desk(tmp_path)
    first = CHANGES_ITSELF.format(does="import os; os.unlink(__file__)")
    desk.write(SERVER.format(first=first), "mine.py")
    desk.write('REPLY = b"5"\n', "beside.py")
    path = desk.write(TEXT.format(python=json.dumps(sys.executable)))
    done = desk.invoke("run", path)
    assert done.returncode == 1
    what, what_to_do = done.stderr.splitlines()[-2:]
    assert what == "stopped: mine: ./mine.py has gone while the run measured it"
    assert what_to_do.startswith("put it there, or correct the command that names it; ")
    assert "CONFIRMED" not in done.stdout
    listed = desk.invoke("runs")
    assert "stopped: mine: ./mine.py has gone" in " ".join(listed.stdout.split())
