# SPDX-License-Identifier: BSD-3-Clause
"""CPU quotas, and how often the kernel stopped what had used them up: made up, and real."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.here import leave_out
from tests.processes import ending, wait_until

from fibench.machine.quota import Limited, Throttling, limited, most_throttled, throttling

V1 = "nr_periods 172\nnr_throttled 107\nthrottled_time 4500000000\n"
V2 = """\
usage_usec 9
nr_periods 172
nr_throttled 107
throttled_usec 4500000
nr_bursts 0
"""


def limits(tmp_path: Path, membership: str, kind: str, folder: Path, options: str) -> list[Limited]:
    (tmp_path / "cgroup").write_text(membership)
    mount = f"31 23 0:28 / {folder} rw,relatime shared:9 - {kind} none {options}\n"
    (tmp_path / "mountinfo").write_text(mount)
    return limited(tmp_path / "cgroup", tmp_path / "mountinfo")


def test_the_groups_with_a_quota_are_found_the_tightest_first(tmp_path: Path) -> None:
    mount = tmp_path / "fs"
    (mount / "a" / "b").mkdir(parents=True)
    (mount / "a" / "cpu.max").write_text("50000 100000\n")
    (mount / "a" / "b" / "cpu.max").write_text("150000 100000\n")
    found = limits(tmp_path, "0::/a/b\n", "cgroup2", mount, "rw")
    assert found == [Limited(mount / "a", 0.5, True), Limited(mount / "a" / "b", 1.5, True)]


@pytest.mark.parametrize("text", ["", "max\n", "a b\n", "100000 0\n"])
def test_a_quota_that_is_none_limits_nothing(tmp_path: Path, text: str) -> None:
    mount = tmp_path / "fs"
    mount.mkdir()
    (mount / "cpu.max").write_text(text)
    assert limits(tmp_path, "0::/\n", "cgroup2", mount, "rw") == []


@pytest.mark.parametrize(("unified", "text"), [(True, V2), (False, V1)])
def test_both_versions_tell_how_often_they_stopped_a_group(
    tmp_path: Path, unified: bool, text: str
) -> None:
    (tmp_path / "cpu.stat").write_text(text)
    assert throttling(Limited(tmp_path, 0.5, unified)) == Throttling(172, 107, 4.5)


@pytest.mark.parametrize("text", [None, "", "nr_periods\n", "nr_periods x\n", "usage_usec 5\n"])
def test_a_group_that_does_not_tell_is_not_known(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "cpu.stat").write_text(text)
    assert throttling(Limited(tmp_path, 0.5, True)) is None


def test_the_group_that_was_stopped_most_in_between_counts() -> None:
    before = [Throttling(10, 1, 0.5), None, Throttling(5, 5, 9.0)]
    after = [Throttling(20, 4, 0.75), Throttling(1, 1, 1.0), Throttling(15, 7, 9.1)]
    assert most_throttled(before, after) == Throttling(10, 3, 0.25)
    assert most_throttled([None], [None]) is None
    assert most_throttled([], []) is None


@contextmanager
def real_group(cores: float) -> Iterator[Limited]:
    """A cgroup with a CPU quota, of the version whose CPU controller is here."""
    us = str(int(cores * 100_000))
    v1 = Path("/sys/fs/cgroup/cpu")
    unified = not v1.is_dir()
    group = (Path("/sys/fs/cgroup") if unified else v1) / f"fibench-test-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        leave_out(f"no cgroup can be made here: {error.strerror}")
    try:
        try:
            if unified:
                (group / "cpu.max").write_text(f"{us} 100000")
            else:
                (group / "cpu.cfs_quota_us").write_text(us)
        except OSError as error:
            leave_out(f"no CPU quota can be set here: {error.strerror}")
        yield Limited(group, cores, unified)
    finally:
        wait_until(lambda: not (group / "cgroup.procs").read_text(), "it is empty")
        group.rmdir()


def test_a_real_group_that_computes_beyond_its_quota_is_seen_to_be_stopped() -> None:
    with (
        real_group(0.1) as group,
        ending(
            subprocess.Popen(
                [sys.executable, "-c", "input()\nwhile True: pass"], stdin=subprocess.PIPE
            )
        ) as loop,
    ):
        (group.folder / "cgroup.procs").write_text(str(loop.pid))
        before = throttling(group)
        assert before is not None
        assert loop.stdin is not None
        loop.stdin.write(b"\n")
        loop.stdin.flush()

        def stopped() -> Throttling | None:
            return most_throttled([before], [throttling(group)])

        wait_until(lambda: (gain := stopped()) is not None and gain.throttled >= 2, "stopped")
        gain = stopped()
        assert gain is not None
        assert gain.periods >= gain.throttled
        assert gain.throttled_s > 0
        # Who is in it is told that it is limited.
        membership = Path(f"/proc/{loop.pid}/cgroup")
        assert limited(membership)[0].cores == pytest.approx(0.1)
