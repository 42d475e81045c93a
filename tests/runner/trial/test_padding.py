# SPDX-License-Identifier: BSD-3-Clause
"""Where a stack begins must not decide: each server has an environment of its own length."""

from dataclasses import replace
from pathlib import Path

from tests.runner import trials
from tests.runner.trials import run_well

from fibench.plan import stack_padding

SERVER = """
import os, sys
print(len(os.environ["FIBENCH_PADDING"]), file=sys.stderr, flush=True)
def answer(connection, number):
    connection.sendall(b"1\\n")
serve_threads()
"""
SEED = 7
"""Of every trial that trials.run makes."""


def test_the_environment_is_as_long_as_seed_and_trial_have_it(
    programs: Path, tmp_path: Path
) -> None:
    lengths = set()
    for number in range(3):
        folder = tmp_path / str(number)
        folder.mkdir()
        what = replace(trials.trial("own", n=1), key=f"b{number:03d}-own")
        run_well(what, programs, folder, SERVER)
        said = int((folder / "server.err").read_text().split()[0])
        assert said == stack_padding(SEED, what.key)
        lengths.add(said)
    assert len(lengths) == 3
