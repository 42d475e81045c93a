# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of builds, and of ./dev, share."""

from pathlib import Path

import pytest

from .machines import Machine, Ready, make_machine
from .small_builds import ARCHIVE, MESON, PLAIN, REAL, Small, make_small


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Small:
    made = make_small(tmp_path, REAL)
    made.wrap("http://127.0.0.1:1/nothing", ARCHIVE)
    build_with(made, monkeypatch)
    return made


@pytest.fixture(scope="session")
def one_checkout(tmp_path_factory: pytest.TempPathFactory) -> Small:
    """A checkout whose build folder several tests break, each after another."""
    made = make_small(tmp_path_factory.mktemp("kept"), REAL)
    made.wrap("http://127.0.0.1:1/nothing", ARCHIVE)
    return made


@pytest.fixture
def shared(one_checkout: Small, monkeypatch: pytest.MonkeyPatch) -> Small:
    """The one that is kept: for tests that begin with a build, so that it is whole then."""
    build_with(one_checkout, monkeypatch)
    return one_checkout


@pytest.fixture(scope="session")
def checkout_with_liburing(tmp_path_factory: pytest.TempPathFactory) -> Small:
    """Another that is kept, on a system that lacks nothing."""
    made = make_small(tmp_path_factory.mktemp("kept"), REAL)
    made.wrap("http://127.0.0.1:1/nothing", ARCHIVE)
    made.install_liburing()
    return made


@pytest.fixture
def kept(checkout_with_liburing: Small, monkeypatch: pytest.MonkeyPatch) -> Small:
    """The same, its sources as they were: for tests that begin with a build, or with none."""
    made = checkout_with_liburing
    for name, text in {"meson.build": MESON, "plain.c": PLAIN}.items():
        if (made.root / name).read_text() != text:
            (made.root / name).write_text(text)
    build_with(made, monkeypatch)
    monkeypatch.delenv("FIBENCH_BUILD", raising=False)
    return made


def build_with(made: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let builds have its compiler, and nothing else that the environment names."""
    monkeypatch.setenv("CC", str(made.compiler))
    for name in ("CFLAGS", "CPPFLAGS", "LDFLAGS"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine with a C compiler and no Python; the checkout's path has spaces in it."""
    return make_machine(tmp_path)


@pytest.fixture(scope="session")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Ready:
    """Four Pythons, of which only the last does, made .venv."""
    made = make_machine(tmp_path_factory.mktemp("ready"))
    made.has("python3.14", "exit 127")
    made.has_python("python3.13", before="sys.version_info = (3, 10, 14)")
    made.has_python("python3.12", before="sys.modules['ensurepip'] = None")
    made.has_python("python3.11", whole=True)
    first = made.dev("pytest", "-k", "some tests")
    for python in made.programs.glob("python*"):
        python.unlink()
    return Ready(made, first)
