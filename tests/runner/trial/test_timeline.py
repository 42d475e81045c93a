# SPDX-License-Identifier: BSD-3-Clause
"""A trial that watches a server's threads: what it gives, and that it fails nobody."""

from pathlib import Path
from typing import Any

import pytest
from tests.here import leave_out
from tests.runner.trials import CATALOGUE, NOT_PINNED, run, run_well, trial

from fibench.backends.interpreters import own_has_gil
from fibench.experiment import OwnBackend
from fibench.metrics import METRICS, UNTIMED
from fibench.trial.trial import TrialContext, run_trial
from fibench.trial.untimed.timeline import LONGEST_WINDOW_S

NAMES = {METRICS[name].name_with_unit for name in UNTIMED["timeline"]}
ANSWERS = "def answer(connection, k): connection.sendall(b'1\\n')\nserve_threads()"


def absent(record: dict[str, Any]) -> str:
    """Why nothing is known, of a trial that is no failure all the same."""
    assert record["valid"], record["reason"]
    assert record["metrics"] == dict.fromkeys(NAMES)
    assert record["timeline"].keys() == {"absent"}
    return str(record["timeline"]["absent"])


def seen(record: dict[str, Any]) -> dict[str, Any]:
    """What was seen, which is whole."""
    assert record["metrics"].keys() == NAMES
    found: dict[str, Any] = record["timeline"]
    assert "absent" not in found, found
    assert sum(found["shares"].values()) + found["residual"] == pytest.approx(1.0, abs=0.01)
    assert len(found["slices"]) == 10
    return found


@pytest.mark.parametrize(
    "cell",
    [
        {},
        {"framing": "message"},
        {"requests": 20, "duration": None},
        {"rate": 200.0},
        {"groups": "name=a,clients=2,n=5;name=b,clients=1,n=1,rate=50;name=c,clients=1,idle"},
    ],
    ids=["keep-alive", "connections", "a number of requests", "open loop", "groups"],
)
def test_the_cells_own_load_is_watched_for_a_short_time(
    programs: Path, tmp_path: Path, cell: dict[str, Any]
) -> None:
    record = run_well(trial("c-mt", "timeline", **cell), programs, tmp_path)
    assert record["role"] == "timeline"
    found = seen(record)
    assert 0.0 < found["wall_s"] <= LONGEST_WINDOW_S + 0.01
    assert found["threads"] >= 1
    assert record["metrics"]["waiting_for_gil_share"] in (0.0, None), "C has none"
    assert record["counts"] == {}
    assert record["machine"]["window_s"] == pytest.approx(found["wall_s"], abs=0.1)
    assert record["machine"]["usable_cores"] >= 1, "who else computed stands beside it"
    kept = {"server.err", "load.err", "load.json"}
    assert {one.name for one in tmp_path.iterdir()} <= kept, "what was sampled is in the record"


def test_threads_of_python_wait_for_the_gil_and_its_processes_do_not(
    programs: Path, tmp_path: Path
) -> None:
    """However few CPUs there are and whoever else has them: of eight threads one has the GIL."""
    if not own_has_gil():
        leave_out("this Python has no GIL")
    waits = {}
    for backend in ("py-mt", "py-mp"):
        folder = tmp_path / backend
        folder.mkdir()
        record = run_well(trial(backend, "timeline", n=27, clients=8), programs, folder)
        seen(record)
        waits[backend] = record["metrics"]["waiting_for_gil_share"]
    assert waits["py-mp"] < 0.25 * waits["py-mt"]


def test_of_a_load_without_a_window_nothing_is_known(programs: Path, tmp_path: Path) -> None:
    record = run(trial("c-mt", "timeline", kind="process"), programs, tmp_path)
    assert "client_bench.sh" in absent(record)


def test_a_server_that_answers_wrongly_was_not_watched_at_its_work(
    programs: Path, tmp_path: Path
) -> None:
    text = ANSWERS.replace("b'1\\n'", "b'2\\n' if k == 3 else b'1\\n'")
    record = run(trial("own", "timeline"), programs, tmp_path, text)
    assert absent(record).startswith("wrong replies: 1")


def test_a_server_that_ends_while_it_is_watched_is_no_failure(
    programs: Path, tmp_path: Path
) -> None:
    text = ANSWERS.replace("connection.sendall", "k == 9 and os._exit(3); connection.sendall")
    record = run(trial("own", "timeline"), programs, tmp_path, text)
    assert "ended during the trial, with status 3" in absent(record)


def test_a_server_of_ones_own_is_asked_to_end(programs: Path, tmp_path: Path) -> None:
    """It may have something to put away."""
    away = tmp_path / "away"
    text = f"def end(*of): open({str(away)!r}, 'w').close(); os._exit(0)\n"
    text += f"signal.signal(signal.SIGTERM, end)\n{ANSWERS}"
    run(trial("own", "timeline"), programs, tmp_path, text)
    assert away.exists()


def test_a_server_that_did_not_start_is_not_waited_for_again(
    programs: Path, tmp_path: Path
) -> None:
    starts = tmp_path / "starts"
    starts.write_text("")
    words = ("/bin/sh", "-c", f"echo x >> {starts}; exit 3", "{port}")
    own = OwnBackend(framing="line", serves="any", folder=tmp_path, command=words, ready_fd=False)
    context = TrialContext(programs, CATALOGUE, {"own": own}, 7, NOT_PINNED)
    for role in ("measure", "timeline"):
        folder = tmp_path / role
        folder.mkdir()
        record = dict(run_trial(trial("own", role), context, folder).as_document())
    assert starts.read_text() == "x\n"
    assert absent(record).startswith("its server did not start before: ")
