# SPDX-License-Identifier: BSD-3-Clause
"""The brought source of liburing, and its archive, when they are not what they were.

A build mends them, or goes on without io_uring in one line.
"""

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from fibench.build import wraps
from fibench.build.error import BuildError
from fibench.build.meson import build, clean

from .small_builds import ARCHIVE, COMPILER, DIRECTORY, Small, serving, whole

pytestmark = pytest.mark.needs("meson", "ninja", COMPILER)


@pytest.fixture
def cached(small: Small) -> wraps.Wrap:
    """The wrap, its archive in the cache, and no network."""
    wrap = wraps.read_wrap(small.root / wraps.WRAP)
    wrap.archive.parent.mkdir()
    wrap.archive.write_bytes(ARCHIVE)
    return wrap


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def lose_a_folder(source: Path) -> None:
    shutil.rmtree(source / "src")


def lose_the_build_file(source: Path) -> None:
    (source / "meson.build").unlink()


def cut_a_file(source: Path) -> None:
    os.truncate(source / "src" / "setup.c", 10)


def alter_a_file(source: Path) -> None:
    path = source / "src" / "setup.c"
    path.write_bytes(path.read_bytes().swapcase())


def alter_a_patch(source: Path) -> None:
    (source / "meson.build").write_text("project('liburing', 'c')\nerror('an old one')\n")


def have_a_pipe_in_it(source: Path) -> None:
    (source / "src" / "setup.c").unlink()
    os.mkfifo(source / "src" / "setup.c")


def have_a_folder_in_it(source: Path) -> None:
    (source / "src" / "setup.c").unlink()
    (source / "src" / "setup.c").mkdir()


def have_a_file_in_its_place(source: Path) -> None:
    shutil.rmtree(source)
    source.write_text("")


def have_a_loop_in_its_place(source: Path) -> None:
    shutil.rmtree(source)
    source.symlink_to(source.name)


DAMAGE = [
    lose_a_folder,
    lose_the_build_file,
    cut_a_file,
    alter_a_file,
    alter_a_patch,
    have_a_pipe_in_it,
    have_a_folder_in_it,
    have_a_file_in_its_place,
    have_a_loop_in_its_place,
]
Damage = Callable[[Path], None]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_source_that_is_not_whole_is_unpacked_anew(cached: wraps.Wrap, damage: Damage) -> None:
    assert wraps.unpack(cached)
    assert not wraps.unpack(cached)
    whole = files(cached.source)
    assert {"setup.c", "queue.c", "meson.build"} <= {path.name for path in whole}
    damage(cached.source)

    assert wraps.unpack(cached)
    assert files(cached.source) == whole
    assert not list(cached.subprojects.glob(".*"))


LONG = pytest.mark.long  # the same is noticed of either, as of all DAMAGE


@pytest.mark.parametrize("damage", [pytest.param(lose_a_folder, marks=LONG), cut_a_file])
def test_damage_after_a_build_is_noticed_and_mended_by_the_next(
    small: Small, cached: wraps.Wrap, capfd: pytest.CaptureFixture[str], damage: Damage
) -> None:
    build(small.places)
    damage(cached.source)
    build(small.places)
    assert "without" not in capfd.readouterr().err
    assert "uring_server" in small.programs()
    again = (small.places.programs / "uring_server").stat().st_mtime_ns
    build(small.places)
    assert (small.places.programs / "uring_server").stat().st_mtime_ns == again


@pytest.mark.parametrize("damage", [lose_a_folder, pytest.param(cut_a_file, marks=LONG)])
def test_damage_that_cannot_be_mended_leaves_the_library_out(
    small: Small, cached: wraps.Wrap, capfd: pytest.CaptureFixture[str], damage: Damage
) -> None:
    build(small.places)
    cached.archive.unlink()
    build(small.places)
    assert "uring_server" in small.programs()  # nothing is wrong with the source

    capfd.readouterr()
    damage(cached.source)
    build(small.places)
    (line,) = capfd.readouterr().err.splitlines()
    assert "building without io_uring" in line
    assert small.programs() & {"plain_server", "uring_server"} == {"plain_server"}


def test_a_source_without_its_archive_that_lacks_files_does_not_stop_the_build(
    small: Small, cached: wraps.Wrap, capfd: pytest.CaptureFixture[str]
) -> None:
    wraps.unpack(cached)
    cached.archive.unlink()
    (cached.source / "src" / "setup.c").unlink()
    build(small.places)

    assert "building without io_uring" in capfd.readouterr().err
    assert "plain_server" in small.programs()


def test_one_that_cannot_be_compiled_is_named_with_what_to_do(
    small: Small, cached: wraps.Wrap
) -> None:
    wraps.unpack(cached)
    cached.archive.unlink()
    (cached.source / "src" / "setup.c").write_text("int cut(")
    with pytest.raises(BuildError, match="failed while compiling") as failed:
        build(small.places)
    assert failed.value.hint.startswith(f"remove subprojects/{DIRECTORY}, which may be damaged")


def test_clean_removes_the_source_if_it_can_be_unpacked_again(
    small: Small, cached: wraps.Wrap
) -> None:
    wraps.unpack(cached)
    (cached.subprojects / ".coming-cut-off").mkdir()
    (cached.archive.parent / ".coming-cut-off").write_text("")
    clean(small.places)
    assert list(cached.archive.parent.iterdir()) == [cached.archive]
    assert not cached.source.exists()
    assert not list(cached.subprojects.glob(".*"))

    wraps.unpack(cached)
    cached.archive.write_bytes(ARCHIVE[:10])
    clean(small.places)
    assert cached.source.is_dir()


# What else may lie where the archive is looked for


def pipe(path: Path) -> None:
    os.mkfifo(path)


def empty_folder(path: Path) -> None:
    path.mkdir()


def loop(path: Path) -> None:
    path.symlink_to(path.name)


def link_to_a_pipe(path: Path) -> None:
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to("pipe")


def listener(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        os.chdir(path.parent)  # a socket's path may have 107 bytes
        made.bind(path.name)


def half_an_archive(path: Path) -> None:
    path.write_bytes(ARCHIVE[:100])


def full_folder(path: Path) -> None:
    (path / "of somebody's").mkdir(parents=True)


@pytest.mark.parametrize(
    "lay", [pipe, empty_folder, loop, link_to_a_pipe, listener, half_an_archive]
)
def test_what_is_no_archive_is_told_and_replaced(
    small: Small, monkeypatch: pytest.MonkeyPatch, lay: Damage
) -> None:
    monkeypatch.chdir(small.root)
    wrap = wraps.read_wrap(small.root / wraps.WRAP)
    wrap.archive.parent.mkdir()
    lay(wrap.archive)
    with pytest.raises(wraps.WrapError, match=rf"{wrap.filename} in packagecache .*refused"):
        wraps.bring(wrap)
    with serving(whole) as site:
        small.wrap(site.url, ARCHIVE)
        assert wraps.bring(wraps.read_wrap(small.root / wraps.WRAP))
    assert wrap.archive.read_bytes() == ARCHIVE


@pytest.mark.parametrize("lay", [pipe, full_folder])
def test_what_is_no_archive_and_cannot_be_replaced_leaves_the_library_out(
    small: Small, capfd: pytest.CaptureFixture[str], lay: Damage
) -> None:
    wrap = wraps.read_wrap(small.root / wraps.WRAP)
    wrap.archive.parent.mkdir()
    lay(wrap.archive)
    before = sorted(wrap.archive.rglob("*"))
    build(small.places)

    (line,) = [one for one in capfd.readouterr().err.splitlines() if "without" in one]
    assert f"{wrap.filename} in packagecache cannot be read: it is not a file, and http" in line
    assert "plain_server" in small.programs()
    assert sorted(wrap.archive.rglob("*")) == before


@pytest.mark.parametrize("lay", [pipe, loop, half_an_archive])
def test_what_is_no_cache_is_told(small: Small, lay: Damage) -> None:
    lay(small.root / "subprojects" / "packagecache")
    with serving(whole) as site:
        small.wrap(site.url, ARCHIVE)
        with pytest.raises(wraps.WrapError, match="cannot be"):
            wraps.bring(wraps.read_wrap(small.root / wraps.WRAP))


@pytest.mark.needs("a plain user")
def test_an_archive_that_may_not_be_read_is_told(small: Small, cached: wraps.Wrap) -> None:
    cached.archive.chmod(0)
    with pytest.raises(wraps.WrapError, match="cannot be read: Permission denied"):
        wraps.bring(cached)
