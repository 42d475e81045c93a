# SPDX-License-Identifier: BSD-3-Clause
"""What all tests share: the long forms, Hypothesis profiles, and where the programs are."""

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from tests.conformance.lifeline import all_held
from tests.here import LONG_FORM, programs_folder, require

# No deadline: an example may fork a server's child on a machine that is busy with other tests.
settings.register_profile("default", max_examples=60, deadline=None, print_blob=True)
settings.register_profile("all", max_examples=1000, deadline=None, print_blob=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --all."""
    parser.addoption("--all", action="store_true", help="also run the long forms of the tests")


def pytest_configure(config: pytest.Config) -> None:
    """Choose how many examples Hypothesis tries."""
    # A shell without job control starts what runs in the background with SIGINT ignored (sh(1)):
    # a Python started so never raises KeyboardInterrupt, neither ours nor that of a tested program.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Tests run beside each other, on a machine that is never quiet.
    os.environ["FIBENCH_NOISE"] = "accept"
    # Where GitHub runs the tests, what they do is none of its business.
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        os.environ.pop(name, None)
    settings.load_profile("all" if config.getoption("--all") else "default")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip the long forms unless --all asks for them."""
    if config.getoption("--all"):
        return
    for item in items:
        if item.get_closest_marker("long") is not None:
            item.add_marker(LONG_FORM)


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over half a million objects that stay until the end."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _nothing_outlives_us() -> Iterator[None]:
    """Whatever tests start ends with this pytest, even where it is killed."""
    with all_held():
        yield


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test that needs what is not here, before its fixtures are made."""
    for marker in item.iter_markers("needs"):
        require(*marker.args)


@pytest.fixture(scope="session")
def programs() -> Path:
    """The folder of the built programs; a test that needs it fails if there is none."""
    folder = programs_folder()
    if not folder.is_dir():
        pytest.fail(f"no programs in {folder}: run `invoke build` first", pytrace=False)
    return folder
