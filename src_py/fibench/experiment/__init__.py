# SPDX-License-Identifier: BSD-3-Clause
"""Tables become cells and claims that fit each other.

May know `document`, and what that knows. Backends are known here only by what a catalogue
says of them (KnownBackend); whether one can run is asked elsewhere.
"""

from fibench.experiment.absent import Absent, AbsentCell
from fibench.experiment.asking.rendered import ASKED, values_of
from fibench.experiment.beliefs import NO_BELIEFS, Belief, Beliefs, beliefs_json, read_beliefs
from fibench.experiment.causes.stated import Cause
from fibench.experiment.cells import Cell, KnownBackend, cell_key
from fibench.experiment.claims import (
    Claim,
    DroppedClaim,
    Point,
    Row,
    Step,
    cells_about,
    cells_of,
    claims_digest,
    resolve_claims,
)
from fibench.experiment.experiment import Experiment, load_experiment, parse_experiment
from fibench.experiment.own import OwnBackend
from fibench.experiment.unbounded import unbounded_cells

__all__ = [
    "ASKED",
    "NO_BELIEFS",
    "Absent",
    "AbsentCell",
    "Belief",
    "Beliefs",
    "Cause",
    "Cell",
    "Claim",
    "DroppedClaim",
    "Experiment",
    "KnownBackend",
    "OwnBackend",
    "Point",
    "Row",
    "Step",
    "beliefs_json",
    "cell_key",
    "cells_about",
    "cells_of",
    "claims_digest",
    "load_experiment",
    "parse_experiment",
    "read_beliefs",
    "resolve_claims",
    "unbounded_cells",
    "values_of",
]
