# SPDX-License-Identifier: BSD-3-Clause
"""What trials say of their servers beside figures."""

from typing import Any

from tests.runner.records import recorded

from fibench.parameters import Parameters
from fibench.verdict._notes.servers import of_servers


def record(backend: str = "a", **changes: Any) -> dict[str, Any]:
    """A valid trial of a backend."""
    return {
        "trial": f"b000-{backend}",
        "index": 0,
        "block": 0,
        "cell": backend,
        "label": backend,
        "attempt": 1,
        "valid": True,
        "reason": None,
        "role": "measure",
        "metrics": {},
        "parameters": Parameters(backend=backend, clients=8).as_json(),
        "counts": {},
        **changes,
    }


def ended(backend: str, **server: object) -> dict[str, Any]:
    return record(backend, server=server)


def test_what_servers_did_beside_their_figures_is_told_of_each_backend() -> None:
    left = [ended("mine", ended_itself=True, signal=13) for _ in range(3)]
    stayed = [ended("mine", ended_itself=False, status=0), ended("c-mt", ended_itself=False)]
    late = [ended("c-mt", unknown=["CPU times: read 5 s late", "memory: the same"])]
    mine, cpu, memory = of_servers(recorded(*left, *stayed, *late))
    assert mine == (
        "mine ended when its clients left, by SIGPIPE, in 3 of 4 trials: after the window, "
        "so that they count"
    )
    assert cpu == "c-mt: CPU times not known in 1 of 2 trials: read 5 s late"
    assert memory == "c-mt: memory not known in 1 of 2 trials: the same"


def test_a_load_that_never_was_steady_is_told_of() -> None:
    never = record(checks={"steady": False, "warmup_s": 10.0})
    (note,) = of_servers(
        recorded(never, record(checks={"steady": True, "warmup_s": 0.5}), record())
    )
    assert "not steady after a warm-up of 10 s in 1 of 2 trials" in note


def test_a_window_that_opened_in_the_first_round_is_told_of() -> None:
    early, late = record(checks={"ramp": True}), record(checks={"ramp": False})
    (note,) = of_servers(recorded(early, late, early, record()))
    assert "clients waited for their first reply when the window opened in 2 of 3 trials" in note
    assert list(of_servers(recorded(late, record()))) == []
