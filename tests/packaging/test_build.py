# SPDX-License-Identifier: BSD-3-Clause
"""What the build notices and says, on a checkout of two programs."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from fibench.build.error import BuildError
from fibench.build.meson import build
from fibench.build.record import RECORD

from .small_builds import COMPILER, Small, by_hand, record

pytestmark = pytest.mark.needs("meson", "ninja", COMPILER)


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
    [
        ("CFLAGS", "-O0"),
        pytest.param("CPPFLAGS", "-DX=1", marks=pytest.mark.long),  # Meson adds it to those
        ("LDFLAGS", "-Wl,--as-needed"),
    ],
)
def test_other_flags_build_everything_anew_and_are_said_and_kept(
    kept: Small,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    text: str,
) -> None:
    build(kept.places)
    own = (kept.places.programs / "plain_server").stat().st_mtime_ns
    capfd.readouterr()

    monkeypatch.setenv(name, text)
    build(kept.places)
    said = capfd.readouterr().err
    assert f"{name} was unset, and is {text}: building everything anew" in said
    assert f"not fibench's own: {'LDFLAGS' if name == 'LDFLAGS' else 'CFLAGS'} {text}" in said
    options = record(kept)["compiler"]["options"]
    assert text in (options["c_link_args"] if name == "LDFLAGS" else options["c_args"])
    assert (kept.places.programs / "plain_server").stat().st_mtime_ns != own
    build(kept.places)
    assert capfd.readouterr().err == ""

    monkeypatch.setenv(name, " ")  # as good as unset
    build(kept.places)
    assert f"{name} was {text}, and is unset: building everything anew" in capfd.readouterr().err
    options = record(kept)["compiler"]["options"]
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
    kept: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(kept.places)
    monkeypatch.setenv("CC", "/bin/false")
    with pytest.raises(BuildError, match="failed while configuring"):
        build(kept.places)
    monkeypatch.setenv("CC", str(kept.compiler))
    build(kept.places)

    assert "uring_server" in kept.programs()


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


OF_OTHER_BUILDS = {
    "DESTDIR": "elsewhere",
    "MESON_INSTALL_PREFIX": "elsewhere",
    "MESON_PACKAGE_CACHE_DIR": "elsewhere",
    "NINJA": "/nowhere/ninja",
    "NINJA_STATUS": "%9",
    "MAKEFLAGS": " -j2 --jobserver-auth=fifo:/nowhere",
    "PYTHONWARNINGS": "error",
    "CC": "",
}
ALL_OR_ONE = [
    pytest.param([*OF_OTHER_BUILDS], id="all"),
    *(pytest.param([name], id=name, marks=pytest.mark.long) for name in OF_OTHER_BUILDS),
]
"""Each would do harm beside the others as well; alone, it is seen which."""


@pytest.mark.parametrize("names", ALL_OR_ONE)
def test_variables_of_other_builds_change_nothing(
    small: Small, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, names: list[str]
) -> None:
    small.install_liburing()
    elsewhere = tmp_path / "elsewhere"
    for name in names:
        monkeypatch.setenv(name, OF_OTHER_BUILDS[name].replace("elsewhere", str(elsewhere)))
    build(small.places)

    assert "plain_server" in small.programs()
    assert not elsewhere.exists()


def test_by_hand_destdir_is_obeyed(kept: Small, tmp_path: Path) -> None:
    build(kept.places)
    target = tmp_path / "package"
    by_hand(kept, "meson", "install", "-C", "build", DESTDIR=str(target))

    placed = target / kept.places.programs.relative_to("/")
    assert {"plain_server", "uring_server", RECORD} <= {path.name for path in placed.iterdir()}
