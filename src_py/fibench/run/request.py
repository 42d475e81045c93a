# SPDX-License-Identifier: BSD-3-Clause
"""What a run is asked to do, and what of that every one of its trials shares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fibench.backends import Backend, Interpreter
from fibench.experiment import Experiment
from fibench.folders import Places
from fibench.json_values import Json
from fibench.machine import cores as machine
from fibench.parameters import option_flag
from fibench.plan import choose
from fibench.server import PortNames
from fibench.trial import TrialContext


@dataclass(frozen=True)
class Request:
    """What a run is asked to do."""

    experiment: Experiment
    source: Path
    """The experiment's file."""
    backends: Mapping[str, Backend]
    """The catalogue."""
    places: Places
    overrides: Mapping[str, str] = field(default_factory=dict)
    """Options that replaced keys of the file, as text."""
    warnings: Sequence[str] = ()
    fresh: bool = False
    """Begin anew, whatever could be gone on with."""
    interpreters: Mapping[str, Interpreter] = field(default_factory=dict)
    """By the text that asks for each: those of the experiment that are here."""
    made_as: str = ""
    """The name that the run is made under, which has drawn the seed; empty: none."""
    text: bytes | None = None
    """The experiment where `source` is no file."""
    beliefs: Sequence[Json] = ()
    """What a person expects of its claims, as a plan keeps it."""


def context_of(request: Request) -> TrialContext:
    """What all trials of a run share: it decides their numbers, so that this module is in the
    digest that a run is gone on with, with all that it imports."""
    experiment = request.experiment
    return TrialContext(
        programs=request.places.programs,
        catalogue=request.backends,
        own=experiment.backends,
        seed=experiment.plan.seed or 0,  # a run that is begun without has one from then on
        pinning=choose(experiment, machine.physical_cores()),
        interpreters=request.interpreters,
        names=_address_names(request.overrides),
    )


def _address_names(overrides: Mapping[str, str]) -> PortNames:
    """What gave the servers' address: the file, or options."""
    return PortNames(
        host=option_flag("host") if "host" in overrides else PortNames.host,
        port=option_flag("port") if "port" in overrides else PortNames.port,
    )
