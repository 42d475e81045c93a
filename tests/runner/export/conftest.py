# SPDX-License-Identifier: BSD-3-Clause
import pytest
from tests.runner.export.outcome_runs import Saying, run_of, saying

from fibench.verdict import Review


@pytest.fixture(scope="session")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Review:
    """A run with every outcome of a claim."""
    return run_of("outcomes", tmp_path_factory.mktemp("outcomes"))


@pytest.fixture(scope="session")
def made(outcomes: Review) -> Saying:
    """The same of any text."""
    return lambda text: saying(outcomes, text)
