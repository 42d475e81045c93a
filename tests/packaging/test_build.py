# SPDX-License-Identifier: BSD-3-Clause
"""What the build brings, notices and says, on a checkout of two programs."""

import http.server
import json
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.here import leave_out

from fibench import wraps
from fibench.build import build, tool_environment
from fibench.built import RECORD

from .copies import CHECKOUT
from .small_builds import DIRECTORY, URING, Small, make_small, serving, small_archive

REAL = os.environ.get("CC") or "cc"
pytestmark = pytest.mark.needs("meson", "ninja", "readelf", REAL.split()[0])
Request = http.server.BaseHTTPRequestHandler
ARCHIVE = small_archive()


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Small:
    made = make_small(tmp_path, REAL)
    made.wrap("http://127.0.0.1:1/nothing", ARCHIVE)
    monkeypatch.setenv("CC", str(made.compiler))
    for name in ("CFLAGS", "CPPFLAGS", "LDFLAGS"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return made


def record(small: Small) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((small.places.programs / RECORD).read_bytes())
    return document


def reply(request: Request, data: bytes, length: int | None = None) -> None:
    request.send_response(200)
    request.send_header("Content-Length", str(len(data) if length is None else length))
    request.end_headers()
    request.wfile.write(data)


def whole(request: Request) -> None:
    reply(request, ARCHIVE)


def another(request: Request) -> None:
    reply(request, b"not what was asked for")


def half(request: Request) -> None:
    reply(request, ARCHIVE[: len(ARCHIVE) // 2], len(ARCHIVE))


def nothing(request: Request) -> None:
    request.send_error(404)


# What a system lacks


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
        (half, "ended early"),
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


@pytest.mark.parametrize("fault", ["torn", "of another patch"])
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


def by_hand(small: Small, *command: str, **environment: str) -> str:
    done = subprocess.run(
        command,
        cwd=small.root,
        env=tool_environment() | environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


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
    assert libraries["liburing"] == {"origin": "wrap", "version": "2.14", "lacking": None}
    needed = by_hand(small, "readelf", "-d", str(small.places.programs / "uring_server"))
    assert "uring" not in needed


# What has changed since


def test_a_library_that_comes_or_goes_is_noticed_and_leaves_no_server_behind(
    small: Small, capfd: pytest.CaptureFixture[str]
) -> None:
    build(small.places)
    small.install_liburing()
    capfd.readouterr()
    build(small.places)
    assert "uring_server" in small.programs()
    assert record(small)["libraries"]["liburing"]["origin"] == "system"
    assert capfd.readouterr().err == ""

    small.remove_liburing()
    build(small.places)
    assert small.programs() & {"plain_server", "uring_server"} == {"plain_server"}
    assert "building without io_uring" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("name", "text"),
    [("CFLAGS", "-O0"), ("CPPFLAGS", "-DX=1"), ("LDFLAGS", "-Wl,--as-needed")],
)
def test_other_flags_build_everything_anew_and_are_said_and_kept(
    small: Small,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    text: str,
) -> None:
    small.install_liburing()
    build(small.places)
    own = (small.places.programs / "plain_server").stat().st_mtime_ns
    capfd.readouterr()

    monkeypatch.setenv(name, text)
    build(small.places)
    said = capfd.readouterr().err
    assert f"{name} was unset, and is {text}: building everything anew" in said
    assert f"not fibench's own: {'LDFLAGS' if name == 'LDFLAGS' else 'CFLAGS'} {text}" in said
    options = record(small)["compiler"]["options"]
    assert text in (options["c_link_args"] if name == "LDFLAGS" else options["c_args"])
    assert (small.places.programs / "plain_server").stat().st_mtime_ns != own
    build(small.places)
    assert capfd.readouterr().err == ""

    monkeypatch.setenv(name, " ")  # as good as unset
    build(small.places)
    assert f"{name} was {text}, and is unset: building everything anew" in capfd.readouterr().err
    options = record(small)["compiler"]["options"]
    assert (options["c_args"], options["c_link_args"]) == ([], [])


def test_another_compiler_builds_everything_anew_with_the_options_of_before(
    small: Small, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    small.install_liburing()
    by_hand(small, "meson", "setup", "build", "-Dbuildtype=debug")
    build(small.places)
    other = small.compiler.with_name("other")
    shutil.copy2(small.compiler, other)
    monkeypatch.setenv("CC", str(other))
    build(small.places)

    assert f"CC was {small.compiler}, and is {other}" in capfd.readouterr().err
    assert record(small)["compiler"]["command"] == [str(other)]
    assert record(small)["compiler"]["options"]["buildtype"] == "debug"
    other.write_text(other.read_text() + "# another version\n")
    build(small.places)
    assert "the compiler has changed: building everything anew" in capfd.readouterr().err


def test_after_a_failure_the_next_build_begins_where_it_can(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fibench.build import BuildError

    small.install_liburing()
    build(small.places)
    monkeypatch.setenv("CC", "/nowhere/cc")
    with pytest.raises(BuildError):
        build(small.places)
    monkeypatch.setenv("CC", str(small.compiler))
    build(small.places)

    assert "uring_server" in small.programs()


def test_a_checkout_that_was_moved_is_built_where_it_is(
    small: Small, capfd: pytest.CaptureFixture[str]
) -> None:
    small.install_liburing()
    build(small.places)
    small.root = small.root.rename(small.root.with_name("moved"))
    build(small.places)

    assert "or was moved: building everything anew" in capfd.readouterr().err
    (small.root / "plain.c").write_text("int main(void) { return 3; }\n")
    build(small.places)
    assert subprocess.run([small.places.programs / "plain_server"], check=False).returncode == 3


def test_one_folder_for_the_builds_of_two_checkouts_has_the_programs_of_the_last(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIBENCH_BUILD", str(tmp_path / "shared"))
    small.install_liburing()
    build(small.places)
    other = replace(small, root=tmp_path / "other")
    shutil.copytree(small.root, other.root)
    (other.root / "plain.c").write_text("int main(void) { return 3; }\n")
    build(other.places)
    assert subprocess.run([other.places.programs / "plain_server"], check=False).returncode == 3


def test_a_folder_that_a_link_leads_to_is_built_in_once(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "far" / "away").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "far" / "away")
    small.install_liburing()
    for named in ("link/build", "far/away/../away/build"):
        monkeypatch.setenv("FIBENCH_BUILD", str(tmp_path / named))
        build(small.places)
    assert capfd.readouterr().err.count("building") == 1


# What other builds hand to their tools


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("DESTDIR", "elsewhere"),
        ("MESON_INSTALL_PREFIX", "elsewhere"),
        ("MESON_PACKAGE_CACHE_DIR", "elsewhere"),
        ("NINJA", "/nowhere/ninja"),
        ("NINJA_STATUS", "%9"),
        ("MAKEFLAGS", " -j2 --jobserver-auth=fifo:/nowhere"),
        ("PYTHONWARNINGS", "error"),
        ("CC", ""),
    ],
)
def test_variables_of_other_builds_change_nothing(
    small: Small, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, text: str
) -> None:
    small.install_liburing()
    elsewhere = tmp_path / "elsewhere"
    monkeypatch.setenv(name, text.replace("elsewhere", str(elsewhere)))
    build(small.places)

    assert "plain_server" in small.programs()
    assert not elsewhere.exists()


def test_by_hand_destdir_is_obeyed(small: Small, tmp_path: Path) -> None:
    small.install_liburing()
    build(small.places)
    target = tmp_path / "package"
    by_hand(small, "meson", "install", "-C", "build", DESTDIR=str(target))

    placed = target / small.places.programs.relative_to("/")
    assert {"plain_server", "uring_server", RECORD} <= {path.name for path in placed.iterdir()}
