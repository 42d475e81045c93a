# SPDX-License-Identifier: BSD-3-Clause
"""What a build refuses before it changes anything, and what it says where there is no room."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fibench.build.error import BuildError
from fibench.build.meson import build

from .small_builds import COMPILER, Small

pytestmark = pytest.mark.needs("meson", "ninja", COMPILER)

# Each line is what came of a build with so much room: the error in one line, or "built".
BUILD = """
import subprocess, sys
from pathlib import Path
from resource import RLIM_INFINITY, RLIMIT_FSIZE, setrlimit
from fibench.build.meson import build
from fibench.build.error import BuildError
from fibench.folders import find_places

how, root, *rooms = sys.argv[1:]
places = find_places(Path(root, "src_py", "fibench"), Path(root))
for room in rooms:
    if how == "limit":
        setrlimit(RLIMIT_FSIZE, (int(room) if room != "any" else RLIM_INFINITY, RLIM_INFINITY))
    else:
        size = room if room != "any" else "0"
        subprocess.run(["mount", "-o", f"remount,size={size}", how], check=True)
    try:
        build(places, announce=False)
        print("built")
    except BuildError as error:
        print(f"{error}; {error.hint} {error.output}".strip().replace("\\n", "|"))
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("CFLAGS", "-DX='a"),
        ("CPPFLAGS", '-DX="a'),
        ("LDFLAGS", "-Wl,-z,now\\"),
        ("CC", "'cc"),
        ("AR", 'ar"'),
        ("PKG_CONFIG", "'"),
        ("CC", "/nowhere/cc -m64"),
    ],
)
def test_a_variable_that_cannot_be_obeyed_is_refused_and_nothing_is_changed(
    small: Small, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    built = small.places.build / "what was built"
    built.mkdir(parents=True)
    (small.places.build / "build.ninja").write_text("")
    monkeypatch.setenv(name, text)
    with pytest.raises(BuildError) as refused:
        build(small.places)

    what, how = str(refused.value), refused.value.hint
    assert what.startswith(f"{name} ")
    assert name in how
    assert "\n" not in what + how
    assert refused.value.output == ""
    assert sorted(small.places.build.iterdir()) == [small.places.build / "build.ninja", built]


def test_quotes_that_are_closed_keep_words_together(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    (small.root / "plain.c").write_text("int main(void) { return sizeof X != 4; }\n")
    monkeypatch.setenv("CC", f"{small.compiler} -DX='\"a b\"'")
    build(small.places)

    assert subprocess.run([small.places.programs / "plain_server"], check=False).returncode == 0


def rooms_tried(small: Small, *before: str, how: str, rooms: tuple[str, ...]) -> list[str]:
    done = subprocess.run(
        [*before, sys.executable, "-c", BUILD, how, str(small.root), *rooms],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_files_that_may_not_become_as_large_as_needed_are_told(small: Small) -> None:
    said = rooms_tried(small, how="limit", rooms=("16", "100", "3000", "16000", "any", "3000"))
    refusal = (
        "the build made a larger file than it may: File too large; allow it: `ulimit -f unlimited`"
    )
    assert said == [*[refusal] * 4, "built", "built"]


@pytest.mark.needs("namespaces")
def test_a_full_disk_is_told_and_what_was_cut_off_is_gone_on_with(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    monkeypatch.setenv("FIBENCH_BUILD", str(disk / "build"))
    monkeypatch.setenv("TMPDIR", str(disk))
    mounting = 'mount -t tmpfs none "$0" && exec "$@"'
    own = ("unshare", "--mount", "sh", "-c", mounting, str(disk))
    sizes = ("16k", "48k", "96k", "160k", "256k", "any")
    *short, last = rooms_tried(small, *own, how=str(disk), rooms=sizes)

    assert len(short) == 5
    assert short[0].startswith("there is no room for the build: No space left on device; ")
    for line in short:
        assert line == "built" or line.startswith("there is no room for the build: ")
        assert line == "built" or line.endswith("name other places: FIBENCH_BUILD, TMPDIR")
        assert line == "built" or str(disk / "build") in line
    assert last == "built"


CUT = ["", "[opt", "[options]\n", "[options]\n[properties"]
LEFT: list[tuple[str, ...]] = [(), ("build.ninja",), ("premises.json",)]


@pytest.mark.parametrize(
    ("kept", "left"),
    [pytest.param(kept, left, marks=[pytest.mark.long] if kept != CUT[1] and left else [])
     for kept in CUT for left in LEFT],
)  # fmt: skip
def test_options_that_were_half_written_do_not_stop_the_next_build(
    shared: Small, kept: str, left: tuple[str, ...]
) -> None:
    build(shared.places)
    for name in ("build.ninja", "premises.json"):
        if name not in left:
            (shared.places.build / name).unlink()
    (shared.places.build / "meson-private" / "cmd_line.txt").write_text(kept)
    build(shared.places)

    assert "plain_server" in shared.programs()
    options = json.loads((shared.places.build / "meson-info/intro-buildoptions.json").read_bytes())
    (mode,) = [one["value"] for one in options if one["name"] == "wrap_mode"]
    assert mode == "nodownload", "Meson tries for minutes"


def test_a_folder_that_cannot_be_written_is_told(small: Small) -> None:
    build(small.places)
    shutil.rmtree(small.places.build / "install")
    (small.places.build / "premises.json").unlink()
    (small.places.build / "premises.json").mkdir()
    with pytest.raises(BuildError, match="the build failed: Is a directory") as failed:
        build(small.places)
    assert "FIBENCH_BUILD" in failed.value.hint
