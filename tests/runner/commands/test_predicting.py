# SPDX-License-Identifier: BSD-3-Clause
"""`run --predict`: what a person is asked before a run, and what becomes of their answers."""

import json
import os
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.here import CHECKOUT
from tests.processes import PATIENCE_S, ending
from tests.runner.beginner import TEXT, Beginner
from tests.runner.desk import ENTRY, SMALL, Desk
from tests.runner.experiments import GIL, parse
from tests.runner.page.kinds import HOSTILE
from tests.runner.warm import words_before

from fibench.commands.predicting import asking, beforehand
from fibench.commands.predicting.beforehand import claims_here, predicted
from fibench.commands.refused import WRONG_INPUT, Refused
from fibench.experiment import Absent, Belief, beliefs_json
from fibench.store.kept import beliefs_in

CLAIMS = parse(GIL).claims
CLAIM = '[[claim]]\nsays = "{0}"\nvalue = {{ backend = "c-mt" }}\nmetric = "memory"\n{1}\n'
EVERY = SMALL.replace("0.1s", "0.2s").format(blocks=5, above=1) + "".join(
    CLAIM.format(*each)
    for each in (("C takes a lot", 'above = "900MiB"'), ("Nobody knows", 'above = "2KiB"'),
                 ("A machine of many", 'above = "3KiB"\nneeds_cpus = 4096'))
)  # fmt: skip
"""Of which the first holds, the second does not, and the last cannot be tested here."""


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Where answers of a pipe are written to."""
    reads, writes = os.pipe()
    monkeypatch.setattr(asking, "_INPUT", reads)
    yield writes
    os.close(reads)


def answers(writes: int, text: bytes) -> list[Belief | None]:
    """What is made of lines, for each claim."""
    os.write(writes, text)
    os.close(writes)
    found = {claim.id: belief for claim, belief in asking.ask(CLAIMS)}
    return [found.get(claim.id) for claim in CLAIMS]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (b"h\nd\n", ["holds", "does not hold"]),
        (b"c\n\n", ["too close", None]),
        (b"It  HOLDS \ndoesn\xe2\x80\x99t\n", ["holds", "does not hold"]),
        (b"too close to say\nskip", ["too close", None]),
        (b"d\r\nh\r\nmore\nthan asked\n", ["does not hold", "holds"]),
        (b"\n\n", [None, None]),
    ],
)
def test_an_answer_is_a_key_or_words(
    typed: int, lines: bytes, said: list[Belief | None], capfd: pytest.CaptureFixture[str]
) -> None:
    assert answers(typed, lines) == said
    out, err = capfd.readouterr()
    assert out == "", "what is asked goes to standard error"
    assert f"[1/2] {CLAIMS[0].says}\n      needed: throughput py-mp ÷ py-mt at n=27: > 1.3" in err
    assert str(CLAIMS[0].because) not in err, "the reason would tell the answer"


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        (b"", "the answers end after 0 of 2; nothing was measured"),
        (b"h\n", "the answers end after 1 of 2; nothing was measured"),
        (b"h\nperhaps\n", 'line 2 of the input: "perhaps" is no answer'),
        (b"\xff\x1b[31m\x00\n", 'line 1 of the input: "\ufffd\\x1b[31m\\x00" is no answer'),
        (b"h" * 5000, f'line 1 of the input: "{"h" * 40}" is no answer'),
    ],
)
def test_what_is_no_answer_is_said_in_two_lines(typed: int, lines: bytes, what: str) -> None:
    with pytest.raises(Refused) as caught:
        answers(typed, lines)
    assert caught.value.status == WRONG_INPUT
    first, second = str(caught.value).splitlines()
    assert first == what
    assert second.startswith("answer on a terminal, or give a line for each claim")


def test_an_input_that_is_a_folder_has_no_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    monkeypatch.setattr(asking, "_INPUT", folder)
    with pytest.raises(Refused, match="standard input cannot be read: Is a directory"):
        asking.ask(CLAIMS)
    os.close(folder)


def test_a_claim_that_would_have_the_terminal_obey_is_written_out(
    typed: int, capfd: pytest.CaptureFixture[str]
) -> None:
    os.write(typed, b"h\n")
    os.close(typed)
    says = f"{HOSTILE}\x1b[2J\r\n\x9b31m"
    asking.ask([replace(CLAIMS[0], says=says, group="\x1b]0;x\x07")])
    err = capfd.readouterr().err
    assert not {"\x1b", "\u202e", "\u2066", "\x9b", "\x07", "\r"} & set(err)
    assert "\\x1b[2J" in err


def test_what_cannot_be_tested_here_is_not_asked() -> None:
    experiment = parse(GIL)
    many = replace(experiment.claims[0], needs_cpus=4096)
    lacking = Absent(backends={"py-mt": "it is not here"})
    needy = replace(experiment.claims[1], needs_backend=("py-mt",), needs_cpus=1)
    counted = replace(experiment.claims[1], id="n", metric="refused", high=1, needs_cpus=1)
    every = replace(experiment, claims=(many, needy, counted), absent=lacking)
    assert claims_here(every) == [counted]


# Whether anything is asked


@pytest.fixture
def begun(tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch) -> Beginner:
    """A run that was begun with a belief, of which nothing is measured yet."""
    assert programs.is_dir()
    monkeypatch.setenv("FIBENCH_LOCK", f"fibench-test-{tmp_path.name}-{os.getpid()}")
    return Beginner(tmp_path, None, TEXT + CLAIM.format("x", 'above = "1KiB"'))


def test_a_run_that_is_gone_on_with_asks_nothing_and_keeps_what_was_said(
    begun: Beginner, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(claims: object) -> None:
        pytest.fail("it asks")

    monkeypatch.setattr(beforehand, "ask", fail)
    (claim,) = begun.request.experiment.claims
    folder = begun.begin(beliefs=beliefs_json([(claim, "holds")])).folder
    request = begun.request
    assert predicted("small", request.places, lambda: request) == ()
    told = capfd.readouterr().err
    assert f"{folder.name} is gone on with, and nothing is asked" in told
    assert "what you expected was kept when it began" in told
    again = begun.begin(beliefs=beliefs_json([(claim, "too close")]))
    assert again.folder == folder
    assert "what you expect is not kept: this run was begun before you said it" in again.notices
    assert beliefs_in(folder).about(claim) == "holds"


def test_one_that_was_begun_without_says_how_to_be_asked(
    begun: Beginner, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = begun.begin().folder
    request = begun.request
    assert predicted("small", request.places, lambda: request) == ()
    assert "it was begun without predictions; --fresh begins anew" in capfd.readouterr().err
    (claim,) = request.experiment.claims
    begun.begin(beliefs=beliefs_json([(claim, "too close")]))
    assert beliefs_in(folder).told == {}
    monkeypatch.setattr(beforehand, "ask", lambda claims: [(claims[0], "holds")])
    fresh = replace(request, fresh=True)
    assert predicted("small", request.places, lambda: fresh) == beliefs_json([(claim, "holds")])


# As a person types it


class Terminal:
    """A terminal with a command at it."""

    def __init__(self, ours: int, process: "subprocess.Popen[bytes]") -> None:
        self._ours, self._process = ours, process
        self.shown = ""
        self._seen = 0

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def wait_for(self, text: str) -> None:
        """Read on until a text stands there, behind what was waited for before."""
        ends = time.monotonic() + PATIENCE_S
        while text not in self.shown[self._seen :]:
            left = max(ends - time.monotonic(), 0.0)
            ready, _, _ = select.select([self._ours], [], [], left)
            assert ready, f"{text!r} is not there: {self.shown}"
            assert self._read(), f"{text!r} is not there: {self.shown}"
        self._seen = self.shown.index(text, self._seen) + len(text)

    def to_the_end(self) -> int:
        """Read all that comes, and how the command has ended."""
        while self._read():
            pass
        return self._process.wait(timeout=PATIENCE_S)

    def _read(self) -> bool:
        try:
            data = os.read(self._ours, 4096)
        except OSError:  # how Linux says that the other end has gone
            return False
        self.shown += data.decode("utf-8", "replace")
        return bool(data)


@contextmanager
def at_a_terminal(desk: Desk, *words: str | Path) -> Iterator[Terminal]:
    """The program at a terminal of its own, which Ctrl-C is typed at."""
    ours, theirs = os.openpty()
    with ending(
        subprocess.Popen(
            [*ENTRY, *map(str, words)],
            cwd=CHECKOUT,
            env={**desk.environment(), "TERM": "dumb"},
            preexec_fn=lambda: os.login_tty(theirs),
            pass_fds=(theirs,),
        )
    ) as process:
        os.close(theirs)
        try:
            yield Terminal(ours, process)
        finally:
            os.close(ours)


def test_answers_that_are_typed_are_compared_with_what_came(desk: Desk) -> None:
    with at_a_terminal(desk, "run", desk.write(EVERY), "--predict") as terminal:
        terminal.wait_for("expect: ")
        terminal.type("maybe\n")
        terminal.wait_for('"maybe" is no answer')
        for answer in ("h", "holds", ""):
            terminal.wait_for("expect: ")
            assert list(desk.results.glob("*/2*")) == [], "nothing is there before all is said"
            terminal.type(f"{answer}\n")
        assert terminal.to_the_end() in (3, 5), terminal.shown
    shown = " ".join(terminal.shown.split())
    assert "1 claim is not asked about, which cannot be tested here" in shown
    folder = desk.run_folder()
    kept = json.loads((folder / "plan.json").read_bytes())["beliefs"]
    assert [(one["claim"], one["expected"]) for one in kept] == [
        ("c-takes-memory", "holds"), ("c-takes-a-lot", "holds"),
    ]  # fmt: skip
    for told in (terminal.shown, desk.invoke("report", folder).stdout):
        words = " ".join(told.split())
        assert "you expected that it holds; it holds" in words
        assert "you expected that it holds; it does not hold" in words
        assert "1 of 2 came as expected; surprises: C takes a lot" in words
    exported = json.loads(desk.invoke("report", folder, "--format", "json").stdout)
    assert exported["expected"]["claims"][1] == {
        "id": "c-takes-a-lot", "expected": "holds", "as_expected": False, "by_bounds": None,
    }  # fmt: skip
    assert "Predicted that it holds; it does not hold." in (folder / "report.html").read_text()
    carried = desk.invoke("report", folder / "report.html", "--format", "json")
    assert json.loads(carried.stdout)["expected"] == exported["expected"]
    markdown = desk.invoke("report", folder, "--format", "md").stdout
    assert "  - Predicted that it holds; it does not hold" in markdown


@pytest.mark.parametrize(
    ("key", "status", "said"),
    [
        ("\x03", 130, "interrupted"),
        ("\x04", WRONG_INPUT, "the answers end after 1 of 3; nothing was measured"),
    ],
)
def test_who_leaves_has_measured_nothing(desk: Desk, key: str, status: int, said: str) -> None:
    with at_a_terminal(desk, "run", desk.write(EVERY), "--predict") as terminal:
        terminal.wait_for("expect: ")
        terminal.type("h\n")
        terminal.wait_for("expect: ")
        terminal.type(key)
        assert terminal.to_the_end() == status
    assert said in terminal.shown.splitlines()[-2:]
    assert "Traceback" not in terminal.shown
    assert not desk.results.exists() or list(desk.results.glob("*/*")) == []


def test_nothing_is_held_while_a_person_thinks(desk: Desk) -> None:
    with at_a_terminal(desk, "run", desk.write(EVERY), "--predict") as terminal:
        terminal.wait_for("expect: ")
        other = desk.invoke("run", desk.write(SMALL.format(blocks=1, above=1), "other.toml"))
        assert "waiting for" not in other.stderr
        assert other.returncode in (4, 5), other.stderr
        terminal.type("\x03")
        assert terminal.to_the_end() == 130


def test_answers_of_a_pipe_are_kept(desk: Desk) -> None:
    path = desk.write(EVERY.replace("blocks = 5", "blocks = 1"))
    done = subprocess.run(
        [*words_before(os.environ), "run", str(path), "--predict"],
        cwd=CHECKOUT, env=desk.environment(), input="d\n\nc\n", capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode in (4, 5), done.stderr
    assert sorted(beliefs_in(desk.run_folder()).told.values()) == ["does not hold", "too close"]
    words = " ".join(done.stdout.split())
    assert "you expected that it does not hold; it is not clear" in words
    assert "of no claim it can be told whether it came as expected" in words


def test_an_input_without_answers_is_an_error_before_anything_is_measured(desk: Desk) -> None:
    done = subprocess.run(
        [*words_before(os.environ), "run", str(desk.write(EVERY)), "--predict"],
        cwd=CHECKOUT, env=desk.environment(), stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == WRONG_INPUT
    assert done.stderr.splitlines()[-2] == "the answers end after 0 of 3; nothing was measured"
    assert done.stdout == ""
    assert not desk.results.exists() or list(desk.results.glob("*/*")) == []
