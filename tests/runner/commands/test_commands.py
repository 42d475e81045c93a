# SPDX-License-Identifier: BSD-3-Clause
"""The commands as a person types them, from experiment file to exit status and results."""

import contextlib
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.packaging.small_builds import ARCHIVE, REAL, make_small, with_commands
from tests.processes import descendants_of, wait_until
from tests.runner.desk import (
    INVOKE,
    SMALL,
    Desk,
    pids_under,
    run_with_a_trial_finished,
    said_by,
)
from tests.runner.records import read_too_late

OWN = """
title = "A server of one's own"
[backends.mine]
command = {command}
[matrix]
backend = "mine"
[load]
duration = "0.1s"
warmup = "50ms"
n = 5
timeout = "1s"
[server]
{server}
[plan]
timelines = false
blocks = 1
"""


def _reason(desk: Desk) -> str:
    (record,) = desk.measured()
    assert record["valid"] is False
    return str(record["reason"])


def _own(command: list[str], server: str = "") -> str:
    return OWN.format(command=json.dumps(command), server=server)


def _python_server(body: str) -> list[str]:
    """A server of one's own, as a Python program in the argument list."""
    start = "import socket, sys\nport = int(sys.argv[1])\n"
    return [sys.executable, "-c", start + body, "{port}"]


def test_a_run_of_one_block_keeps_its_trials_and_says_what_holds(desk: Desk) -> None:
    done = desk.run(desk.write(SMALL.format(blocks=5, above=1)))
    assert done.returncode in (0, 4), done.stdout + done.stderr  # 4: starved, memory is not read
    confirmed = int(done.returncode == 0)
    assert ("CONFIRMED" in done.stdout) == bool(confirmed)
    assert f"{confirmed} of 1 claim confirmed" in done.stdout
    assert {record["trial"] for record in desk.records()} == set(desk.planned())
    records = desk.measured()
    assert [r["valid"] for r in records] == [True] * 10
    assert sorted((r["block"], r["label"]) for r in records) == sorted(
        (block, label) for block in range(5) for label in ("c-sync", "c-mt")
    )
    for record in records:
        metrics, counts = record["metrics"], record["counts"]
        assert isinstance(metrics, Mapping)
        assert isinstance(counts, Mapping)
        assert metrics["throughput_per_s"] > 1
        # A starved server may answer too few for a median, or leave it behind a window's end.
        p50_s, max_s = metrics["p50_s"], metrics["max_s"]
        assert p50_s is None or max_s is None or 0 < p50_s <= max_s
        late = read_too_late(record)
        assert "CPU times" in late or 0 < metrics["cores"] < 3
        assert "CPU times" in late or metrics["cpu_per_request_s"] > 0
        assert "memory" in late or metrics["memory_bytes"] > 10_000
        outcomes = (
            "ok", "wrong", "refused", "closed", "reset", "timeout", "opening", "local", "unfinished"
        )  # fmt: skip
        assert counts["started"] == sum(counts[name] for name in outcomes)
    folder = desk.run_folder()
    assert (folder / "experiment.toml").read_text() == SMALL.format(blocks=5, above=1)
    for name in ("plan.json", "environment.json", "claims.json"):
        assert json.loads((folder / name).read_text())["schema"] >= 1
    assert json.loads((folder / "trials" / "000" / "load.json").read_text())["valid"] is True
    assert pids_under(desk.results) == []


def test_a_refuted_claim_is_exit_3(desk: Desk) -> None:
    done = desk.run(desk.write(SMALL.format(blocks=5, above=1e9)))
    assert done.returncode in (3, 4)  # 4: starved, memory is not read
    assert ("REFUTED" in done.stdout) == (done.returncode == 3)


def test_too_few_blocks_for_a_verdict_is_exit_4(desk: Desk) -> None:
    done = desk.run(desk.write(SMALL.format(blocks=1, above=1)))
    assert done.returncode == 4
    assert "INCONCLUSIVE" in done.stdout


def test_options_override_the_file(desk: Desk) -> None:
    path = desk.write(SMALL.format(blocks=9, above=1))
    done = desk.run(path, "--blocks", "1", "--backend", "c-mt", "--clients", "1,3")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "not judged" in done.stdout, "the claim no longer names one cell"
    assert sorted(record["parameters"]["clients"] for record in desk.measured()) == [1, 3]
    plan = json.loads((desk.run_folder() / "plan.json").read_bytes())
    assert plan["overrides"] == {"blocks": "1", "backend": "c-mt", "clients": "1,3"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('title = "x"\n[matrix]\nbackend = "py-mtt"\n', 'did you mean "py-mt"?'),
        ('title = "x"\n[matrix]\nbackend = "py-mt"\n[load]\nclient = 3\n', "clients"),
        ('title = "x"\n[matrix]\nbackend = "py-mt"\n[server]\nport = 70000\n', "65535"),
        ('title = "x\n', "small.toml:1:"),
    ],
    ids=["backend", "key", "port", "syntax"],
)
def test_a_wrong_file_is_exit_2_with_the_place_named(desk: Desk, text: str, said: str) -> None:
    path = desk.write(text)
    for name in ("plan", "run"):
        done = desk.invoke(name, path)
        assert done.returncode == 2
        assert re.search(r"small\.toml:[0-9]+:[0-9]+: ", done.stderr)
        assert said in done.stderr
        assert "Traceback" not in done.stderr
    assert not desk.results.exists()


@pytest.mark.parametrize(
    "words",
    [("run", "gli"), ("plan", "gil", "--blocks", "x"), ("run", "gil", "--port", "70000"),
     ("serve", "py-mtt"), ("plan", "gil", "--backend", "py-mtt")],
)  # fmt: skip
def test_a_wrong_word_is_exit_2_and_never_a_traceback(desk: Desk, words: tuple[str, ...]) -> None:
    done = desk.invoke(*words)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()


def test_a_name_alone_finds_the_experiment_and_a_near_one_is_proposed(desk: Desk) -> None:
    assert desk.invoke("plan", "gil").returncode == 0
    assert desk.invoke("plan", "gil.toml").returncode == 0
    assert "gil" in desk.invoke("plan", "gli").stderr


def test_plan_as_json_has_the_ordered_trials_and_starts_nothing(desk: Desk) -> None:
    done = desk.invoke("plan", desk.write(SMALL.format(blocks=2, above=1)), "--json")
    document = json.loads(done.stdout)
    count = len(document["trials"])
    assert count >= 4
    assert [trial["index"] for trial in document["trials"]] == list(range(count))
    assert not desk.results.exists()


def test_backends_as_json_has_every_design_with_what_starts_it(desk: Desk) -> None:
    rows = json.loads(desk.invoke("backends", "--json").stdout)
    assert {"c-sync", "c-mp", "c-mt", "py-sync", "py-mp", "py-mt", "py-async"} <= {
        row["name"] for row in rows
    }
    for row in rows:
        assert row["available"] or row["needs"], row
        assert row["available"] == (row["reason"] is None)
        assert row["program"] in [Path(word).name for word in row["argv"][:2]]
        assert "{workers}" not in row["argv"]
        assert row["framings"] == ["message", "line"]


def test_a_fixed_port_in_use_fails_the_trial_and_says_so(desk: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        text = SMALL.format(blocks=1, above=1) + f"[server]\nport = {port}\n"
        done = desk.invoke("run", desk.write(text), "--backend", "c-mt")
    assert done.returncode == 5
    assert f"{port}" in _reason(desk)
    assert "in use" in _reason(desk)
    assert "name another server.port, or leave the port out" in done.stdout + done.stderr


def test_a_program_that_does_not_exist_ends_the_run_before_it_begins(desk: Desk) -> None:
    done = desk.invoke("run", desk.write(_own(["./no-such-server", "{port}"])))
    assert done.returncode == 1
    what, what_to_do = said_by(done)
    assert what.endswith(": ./no-such-server is missing")
    assert what_to_do == "put it there, or correct the command that names it"
    assert list(desk.results.glob("*/*")) == []


def test_a_server_that_exits_at_once_fails_the_trial_with_its_own_words(desk: Desk) -> None:
    command = _python_server("sys.exit('my own complaint')")
    done = desk.invoke("run", desk.write(_own(command)))
    assert done.returncode == 5
    assert "ended with status 1 before it was ready" in _reason(desk)
    (record,) = desk.measured()
    stderr = desk.run_folder() / "trials" / f"{record['index']:03d}" / "server.err"
    assert "my own complaint" in stderr.read_text()


def test_a_server_that_never_listens_fails_the_trial_and_is_ended(desk: Desk) -> None:
    command = _python_server("import signal\nwhile True: signal.pause()")
    done = desk.invoke("run", desk.write(_own(command)))
    assert done.returncode == 5
    assert "listen" in _reason(desk)
    assert pids_under(desk.results) == []


ON_IPV6 = """
listener = socket.create_server(("::1", port), family=socket.AF_INET6)
while True: listener.accept()
"""
WORDLESS = """
listener = socket.create_server(("127.0.0.1", port))
while True:
    connection, _ = listener.accept()
    connection.recv(64)
    connection.close()
"""


@pytest.mark.parametrize(
    ("body", "timeout", "said", "hint"),
    [
        (
            ON_IPV6,
            "4s",
            "did not listen within 4 s",
            r"it listens on \[::1\]:[0-9]+; it should on 127\.0\.0\.1, port [0-9]+",
        ),
        (
            "import signal\nsignal.pause()",
            "0.3s",
            "did not listen within 0.3 s",
            r"if it is only slow, write start_timeout = \"1\.8s\" in \[backends\.mine\]",
        ),
        (
            "sys.exit('Address already in use')",
            "60s",
            "the address is in use",
            r"does it listen on the port that it is given, and only once\?",
        ),
        (
            WORDLESS,
            "60s",
            "the server answers wrongly",
            r"a server must answer as docs/protocol\.md says",
        ),
    ],
)
def test_why_a_trial_failed_and_what_to_do_stand_together_wherever_it_is_told(
    desk: Desk, body: str, timeout: str, said: str, hint: str
) -> None:
    slow = f'start_timeout = "{timeout}"\n[matrix]'
    text = _own(_python_server(body)).replace("[matrix]", slow, 1)
    done = desk.invoke("run", desk.write(text))
    assert done.returncode == 5
    progress, _, rest = done.stdout.partition("A server of one's own")
    note, _, failed = rest.partition("FAILED")
    run = str(desk.run_folder())
    told = {
        "progress": progress, "note": note, "failed": failed,
        **{name: desk.invoke("report", run, "--format", name).stdout
           for name in ("text", "json", "csv")},
    }  # fmt: skip
    markdown = desk.invoke("report", run, "--format", "md").stdout
    told["md"] = re.sub(r"\\(?=[^A-Za-z0-9])", "", markdown)
    for place, shown in told.items():
        words = " ".join(shown.replace('\\"', '"').replace('""', '"').split())
        assert said in words, place
        assert re.search(hint, words), f"{place}: {words}"


def test_serve_says_who_has_the_port_and_what_to_do(desk: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = desk.invoke("serve", "c-mt", "--port", str(port))
    assert done.returncode == 1
    what, hint = done.stderr.strip().splitlines()[-2:]
    assert f"port {port} on 127.0.0.1 is in use by" in what
    assert f"(pid {os.getpid()})" in what
    assert "name another --port" in hint


SERVE = """
listener = socket.create_server(("127.0.0.1", port))
while True:
    connection, _ = listener.accept()
    with connection:
        connection.recv(256)
        connection.sendall({reply})
"""


def test_a_server_that_answers_wrongly_is_not_measured(desk: Desk) -> None:
    done = desk.invoke("run", desk.write(_own(_python_server(SERVE.format(reply="b'9'")))))
    assert done.returncode == 5
    assert "'9'" in _reason(desk)
    assert "'8'" in _reason(desk)


def test_a_server_of_ones_own_is_measured_like_any_other(desk: Desk) -> None:
    done = desk.run(desk.write(_own(_python_server(SERVE.format(reply="b'8'")))))
    assert done.returncode == 0, done.stdout + done.stderr
    (record,) = desk.measured()
    assert record["valid"] is True
    assert pids_under(desk.results) == []


def test_a_server_that_answers_wrongly_later_makes_the_trial_invalid(desk: Desk) -> None:
    body = SERVE.replace("while True:", "for k in range(10**9):").format(
        reply="b'8' if k < 20 else b'9'"
    )
    done = desk.invoke("run", desk.write(_own(_python_server(body))))
    assert done.returncode == 5
    assert "wrong" in _reason(desk)


def test_a_server_that_dies_during_the_trial_makes_it_invalid(desk: Desk) -> None:
    body = SERVE.replace("while True:", "for k in range(20):").format(reply="b'8'")
    done = desk.invoke("run", desk.write(_own(_python_server(body))))
    assert done.returncode == 5
    assert "the server ended during the trial" in _reason(desk)


# After one press, test_resuming.py goes on with the run.
@pytest.mark.parametrize("presses", [pytest.param(1, marks=pytest.mark.long), 2])
def test_ctrl_c_keeps_finished_trials_and_leaves_nothing_running(desk: Desk, presses: int) -> None:
    with run_with_a_trial_finished(desk) as process:
        assert process.stdout is not None
        os.killpg(process.pid, signal.SIGINT)
        if presses == 2:
            assert any("Ctrl-C again" in line for line in process.stdout)
            os.killpg(process.pid, signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait(timeout=30) == 130
    assert "Traceback" not in rest
    assert "CONFIRMED" not in rest
    assert 1 <= len(desk.records()) < len(desk.planned())
    assert f"invoke run {desk.folder}/small.toml` resumes it" in rest
    assert pids_under(desk.results) == []
    assert not (desk.run_folder() / "claims.json").exists()


def test_a_killed_runner_leaves_no_process_for_longer_than_a_second(desk: Desk) -> None:
    with run_with_a_trial_finished(desk) as process:
        watched: list[int] = []

        def watch() -> bool:
            """Whether there is a process to watch; between two trials there is none."""
            for pid in descendants_of(process.pid):
                with contextlib.suppress(ProcessLookupError):  # it has just ended
                    watched.append(os.pidfd_open(pid))
            return bool(watched) or process.poll() is not None

        wait_until(watch, "a trial has processes")
        assert watched, "the run has ended before"
        process.kill()
        process.wait()
        for descriptor in watched:
            ended, _, _ = select.select([descriptor], [], [], 1.0)
            os.close(descriptor)
            assert ended
    assert len(desk.records()) >= 1


def test_results_that_cannot_be_written_are_one_line_and_exit_1(desk: Desk) -> None:
    desk.results.write_text("a file, not a folder")
    done = desk.invoke("run", desk.write(SMALL.format(blocks=1, above=1)))
    assert done.returncode == 1
    assert "cannot make" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_build_that_fails_is_exit_1_with_the_compilers_words(desk: Desk, tmp_path: Path) -> None:
    small = with_commands(make_small(tmp_path, REAL))
    small.wrap("http://127.0.0.1:1/nothing", ARCHIVE)
    (small.root / "plain.c").write_text("int main(void) { return oops; }\n")
    done = subprocess.run(
        [*INVOKE, "build"], cwd=small.root, env={**desk.environment(), "CC": str(small.compiler)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "oops" in done.stderr
    assert "the build failed" in done.stderr
    assert "Traceback" not in done.stderr
