# SPDX-License-Identifier: BSD-3-Clause
"""The count of usable cores: affinity, and cgroup quotas of both versions."""

import os
from pathlib import Path

import pytest

from fibench.machine import cores as machine
from fibench.machine.quota import cgroup_cpu_quota


def _membership(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "cgroup"
    path.write_text(text)
    return path


def _mounts(tmp_path: Path, kind: str, folder: Path, options: str) -> Path:
    path = tmp_path / "mountinfo"
    path.write_text(f"31 23 0:28 / {folder} rw,relatime shared:9 - {kind} none {options}\n")
    return path


def test_a_v2_quota_is_the_smallest_from_the_own_group_upwards(tmp_path: Path) -> None:
    mount = tmp_path / "fs"
    (mount / "a" / "b").mkdir(parents=True)
    (mount / "a" / "cpu.max").write_text("150000 100000\n")
    (mount / "a" / "b" / "cpu.max").write_text("max 100000\n")
    quota = cgroup_cpu_quota(
        _membership(tmp_path, "0::/a/b\n"), _mounts(tmp_path, "cgroup2", mount, "rw")
    )
    assert quota == 1.5


def test_a_v1_quota_is_read_from_the_cpu_controller(tmp_path: Path) -> None:
    mount = tmp_path / "cpu"
    (mount / "job").mkdir(parents=True)
    (mount / "cpu.cfs_quota_us").write_text("-1\n")
    (mount / "cpu.cfs_period_us").write_text("100000\n")
    (mount / "job" / "cpu.cfs_quota_us").write_text("50000\n")
    (mount / "job" / "cpu.cfs_period_us").write_text("100000\n")
    quota = cgroup_cpu_quota(
        _membership(tmp_path, "4:memory:/job\n1:cpu,cpuacct:/job\n0::/\n"),
        _mounts(tmp_path, "cgroup", mount, "rw,cpu,cpuacct"),
    )
    assert quota == 0.5


def test_no_quota_is_none(tmp_path: Path) -> None:
    mount = tmp_path / "fs"
    mount.mkdir()
    assert (
        cgroup_cpu_quota(_membership(tmp_path, "0::/\n"), _mounts(tmp_path, "cgroup2", mount, "rw"))
        is None
    )


def test_an_unreadable_proc_is_no_quota(tmp_path: Path) -> None:
    assert cgroup_cpu_quota(tmp_path / "no", tmp_path / "no") is None


@pytest.mark.parametrize(("quota", "cores"), [(None, 4), (2.5, 2), (0.5, 1), (64.0, 4)])
def test_usable_cores_are_physical_and_at_most_the_quota(
    monkeypatch: pytest.MonkeyPatch, quota: float | None, cores: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    monkeypatch.setattr(machine, "physical_core", lambda cpu: ("0", str(cpu // 2)))
    monkeypatch.setattr(machine, "cgroup_cpu_quota", lambda: quota)
    assert machine.usable_cores() == cores


def test_physical_cores_have_their_threads_inside_the_mask(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {7, 1, 2, 5, 6})
    monkeypatch.setattr(machine, "physical_core", lambda cpu: ("0", str(cpu % 4)))
    monkeypatch.setattr(machine, "cgroup_cpu_quota", lambda: None)
    assert machine.physical_cores() == [[1, 5], [2, 6], [7]]
    monkeypatch.setattr(machine, "cgroup_cpu_quota", lambda: 2.5)
    assert machine.physical_cores() == [[1, 5], [2, 6]]
    monkeypatch.setattr(machine, "cgroup_cpu_quota", lambda: 0.1)
    assert machine.physical_cores() == [[1, 5]]
