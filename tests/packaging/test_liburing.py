# SPDX-License-Identifier: BSD-3-Clause
"""What a system lacks: how the build brings it, or goes on without."""

import http.server
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.here import leave_out

from fibench.build import wraps
from fibench.build.meson import build

from .copies import CHECKOUT
from .small_builds import (
    ARCHIVE,
    COMPILER,
    DIRECTORY,
    URING,
    Small,
    by_hand,
    record,
    reply,
    serving,
    whole,
)

pytestmark = pytest.mark.needs("meson", "ninja", "readelf", COMPILER)
Request = http.server.BaseHTTPRequestHandler


def another(request: Request) -> None:
    reply(request, b"not what was asked for")


def half(request: Request) -> None:
    reply(request, ARCHIVE[: len(ARCHIVE) // 2], len(ARCHIVE))


def nothing(request: Request) -> None:
    request.send_error(404)


def test_what_the_system_lacks_is_brought_once_and_linked_statically(
    small: Small, capfd: pytest.CaptureFixture[str]
) -> None:
    with serving(whole) as site:
        small.wrap(site.url, ARCHIVE)
        build(small.places)
        build(small.places, retry=True)

        assert site.asked == [f"/{DIRECTORY}.tar.gz"]
    assert {"plain_server", "uring_server"} <= small.programs()
    assert record(small)["libraries"]["liburing"]["origin"] == "wrap"
    program = small.places.programs / "uring_server"
    assert subprocess.run([program], check=False).returncode == 0
    assert "without" not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (another, "SHA-256"),
        pytest.param(half, "ended early", marks=pytest.mark.long),
        (nothing, "HTTP 404"),
    ],
)
def test_what_cannot_be_brought_is_left_out_and_not_tried_at_each_run(
    small: Small, capfd: pytest.CaptureFixture[str], answer: Any, reason: str
) -> None:
    with serving(answer) as site:
        small.wrap(site.url, ARCHIVE)
        build(small.places)
        (line,) = [one for one in capfd.readouterr().err.splitlines() if "without" in one]
        assert "building without io_uring" in line
        assert reason in line

        build(small.places)
        assert (len(site.asked), capfd.readouterr().err) == (1, "")
        build(small.places, retry=True)
        assert len(site.asked) == 2
        assert reason in capfd.readouterr().err
    assert small.programs() & {"plain_server", "uring_server"} == {"plain_server"}
    assert record(small)["libraries"]["liburing"]["lacking"] == "not found"
    left = small.root / "subprojects" / "packagecache"
    assert not left.exists() or list(left.iterdir()) == []


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_a_network_that_swallows_everything_does_not_hold_the_build_up(
    small: Small, silent: int, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wraps, "SILENCE_LIMIT_S", 0.1)
    small.wrap(f"http://127.0.0.1:{silent}/x", ARCHIVE)
    build(small.places)

    assert "timed out" in capfd.readouterr().err
    assert "plain_server" in small.programs()


def test_a_name_that_is_never_resolved_does_not_hold_it_up_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolved = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: resolved.wait() and [])
    monkeypatch.setattr(wraps, "LIMIT_S", 0.1)
    try:
        wrap = wraps.Wrap(tmp_path, "x", "http://example.invalid/x", "x", "0" * 64, "x")
        with pytest.raises(wraps.WrapError, match="did not come"):
            wraps.bring(wrap)
    finally:
        resolved.set()


def test_where_nothing_can_be_written_it_is_left_out(
    small: Small, capfd: pytest.CaptureFixture[str]
) -> None:
    (small.root / "subprojects" / "packagecache").symlink_to("/proc")
    with serving(whole) as site:
        small.wrap(site.url, ARCHIVE)
        build(small.places)

    assert "cannot be written" in capfd.readouterr().err
    assert "plain_server" in small.programs()


def test_an_archive_put_there_by_hand_is_noticed(small: Small) -> None:
    build(small.places)
    assert "uring_server" not in small.programs()
    cache = small.root / "subprojects" / "packagecache"
    cache.mkdir(exist_ok=True)
    (cache / f"{DIRECTORY}.tar.gz").write_bytes(ARCHIVE)
    build(small.places)

    assert "uring_server" in small.programs()


@pytest.mark.parametrize(
    "fault",
    [pytest.param("torn", marks=pytest.mark.long), "of another patch"],  # as of all DAMAGE
)
def test_a_source_that_is_not_whole_or_not_up_to_date_is_unpacked_again(
    small: Small, fault: str
) -> None:
    with serving(whole) as site:
        small.wrap(site.url, ARCHIVE)
        assert wraps.bring(wraps.read_wrap(small.root / "subprojects" / "liburing.wrap"))
    source = small.root / "subprojects" / DIRECTORY
    source.mkdir()
    if fault == "of another patch":
        (source / "meson.build").write_text("project('liburing', 'c')\nerror('an old one')\n")
    build(small.places)

    assert "uring_server" in small.programs()


def test_what_a_person_leaves_out_is_not_brought(
    small: Small, capfd: pytest.CaptureFixture[str]
) -> None:
    with serving(whole) as site:
        small.wrap(site.url, ARCHIVE)
        by_hand(small, "meson", "setup", "build", "-Dliburing=disabled")
        build(small.places, retry=True)

        assert (site.asked, capfd.readouterr().err) == ([], "")
        assert record(small)["libraries"]["liburing"]["lacking"] == "disabled"
        assert "uring_server" not in small.programs()

        by_hand(small, "meson", "configure", "build", "-Dliburing=auto")
        build(small.places)
        assert len(site.asked) == 1
    assert "uring_server" in small.programs()


def test_by_hand_meson_brings_it_by_itself(small: Small) -> None:
    with serving(whole) as site:
        small.wrap(site.url, ARCHIVE)
        by_hand(small, "meson", "setup", "build")
        by_hand(small, "meson", "compile", "-C", "build")

        assert len(site.asked) == 1
    assert (small.root / "build" / "uring_server").is_file()


def test_by_hand_and_without_downloads_the_rest_is_built(small: Small) -> None:
    by_hand(small, "meson", "setup", "build", "--wrap-mode=nodownload")
    by_hand(small, "meson", "compile", "-C", "build")

    assert (small.root / "build" / "plain_server").is_file()
    assert not (small.root / "build" / "uring_server").exists()


def liburing_version() -> str:
    """As the wrap tells it."""
    wrap = wraps.read_wrap(CHECKOUT / wraps.WRAP)
    return wrap.directory.rpartition("-")[2]


def test_every_place_that_tells_the_version_of_liburing_tells_the_same() -> None:
    wrap = wraps.read_wrap(CHECKOUT / wraps.WRAP)
    version = liburing_version()
    assert re.fullmatch(r"[0-9]+\.[0-9]+", version)
    assert wrap.directory == f"liburing-liburing-{version}"
    assert wrap.url.endswith(f"/liburing-{version}.tar.gz")
    assert wrap.filename == f"liburing-{version}.tar.gz"
    patched = wrap.subprojects / "packagefiles" / wrap.patch / "meson.build"
    assert re.findall(r"^  version : '(.*)'", patched.read_text(), re.MULTILINE) == [version]
    libraries = (CHECKOUT / "src_c" / "core" / "libraries" / "meson.build").read_text()
    assert version not in libraries


def test_the_real_liburing_is_built_by_a_c_compiler_alone(small: Small) -> None:
    for entry in (CHECKOUT / "subprojects").glob("liburing.wrap"):
        shutil.copy2(entry, small.root / "subprojects")
    wrap = wraps.read_wrap(small.root / "subprojects" / "liburing.wrap")
    cached = wraps.read_wrap(CHECKOUT / "subprojects" / "liburing.wrap").archive
    if cached.is_file():
        wrap.archive.parent.mkdir(exist_ok=True)
        shutil.copy2(cached, wrap.archive)
    try:
        wraps.bring(wrap)
    except wraps.WrapError as why:
        leave_out(f"liburing cannot be downloaded: {why}")
    (small.root / "uring.c").write_text(
        URING.replace("return ", "struct io_uring r; io_uring_queue_init(0, &r, 0); return ")
    )
    build(small.places)

    libraries = record(small)["libraries"]
    assert libraries["liburing"] == {
        "origin": "wrap",
        "version": liburing_version(),
        "lacking": None,
    }
    needed = by_hand(small, "readelf", "-d", str(small.places.programs / "uring_server"))
    assert "uring" not in needed
