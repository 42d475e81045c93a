# SPDX-License-Identifier: BSD-3-Clause
"""A cgroup of a server's own sums what its tree uses, and goes with it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.runner.server.talk import FORK_STORM, Talk, used_s

from fibench.server import resources
from fibench.server.cgroup import own_folder
from fibench.server.resources import cpu_between, snapshot

THREADED = (
    "import ctypes\n"
    "def work():\n"
    "    for _ in range(40): ctypes.CDLL(None).usleep(1000); burn(0.001)\n"
    "while heard():\n"
    "    threads = [threading.Thread(target=work) for _ in range(4)]\n"
    "    for t in threads: t.start()\n"
    "    for t in threads: t.join()\n"
    "    say('done')"
)


@pytest.mark.parametrize("text", [FORK_STORM, THREADED], ids=["forking", "threaded"])
def test_both_ways_of_accounting_agree(talk_in_cgroup: Callable[[str], Talk], text: str) -> None:
    server = talk_in_cgroup(text)
    supervisor = server.running.supervisor_pid
    begins = snapshot(server.running), resources._snapshot_of_tree(supervisor)
    server.ask()
    ends = snapshot(server.running), resources._snapshot_of_tree(supervisor)
    assert [end.accounting for end in ends] == ["cgroup", "subreaper"]
    by_cgroup, by_tree = map(used_s, begins, ends)
    assert by_cgroup > 0.1
    # Two ticks of reaped time and, at each edge, one of the clock of each running CPU.
    assert by_cgroup == pytest.approx(by_tree, rel=0.03, abs=0.04)


def test_a_cgroup_knows_children_that_nobody_waits_for(
    talk_in_cgroup: Callable[[str], Talk],
) -> None:
    server = talk_in_cgroup(
        "heard(); signal.signal(signal.SIGCHLD, signal.SIG_IGN); alive, hold = os.pipe()\n"
        "if os.fork() == 0: burn(0.1); os._exit(0)\n"
        "os.close(hold); os.read(alive, 1); say('gone'); heard()"
    )
    begin = snapshot(server.running)
    server.ask()
    end = snapshot(server.running)
    assert end.complete
    assert end.children_lost
    assert 0.1 <= used_s(begin, end) < 0.5


def test_figures_of_two_kinds_are_not_subtracted(talk_in_cgroup: Callable[[str], Talk]) -> None:
    server = talk_in_cgroup("heard()")
    begin = resources._snapshot_of_tree(server.running.supervisor_pid)
    assert cpu_between(begin, snapshot(server.running)) is None


def test_a_cgroup_is_removed_with_its_server(talk_in_cgroup: Callable[[str], Talk]) -> None:
    server = talk_in_cgroup("heard()")
    cgroup = server.running.cgroup
    assert cgroup is not None
    assert cgroup.path.is_dir()
    server.running.kill()
    assert not cgroup.path.exists()


def test_a_cgroup_that_cannot_be_removed_hinders_nothing(
    talk_in_cgroup: Callable[[str], Talk],
) -> None:
    server = talk_in_cgroup("heard()")
    cgroup = server.running.cgroup
    assert cgroup is not None
    nested = cgroup.path / "nested"
    nested.mkdir()
    try:
        assert server.running.kill().forced
        assert cgroup.path.is_dir()
    finally:
        nested.rmdir()
        cgroup.remove()


@pytest.mark.parametrize(
    ("own", "mount", "folder"),
    [
        ("/", "/ /sys/fs/cgroup", "/sys/fs/cgroup"),
        ("/", "/ /sys/fs/cgroup/unified", "/sys/fs/cgroup/unified"),
        ("/user.slice/a.scope", "/ /sys/fs/cgroup", "/sys/fs/cgroup/user.slice/a.scope"),
        ("/docker/1/x", "/docker/1 /sys/fs/cgroup", "/sys/fs/cgroup/x"),
        ("/a", r"/ /mnt/two\040words", "/mnt/two words/a"),
        ("/other", "/docker/1 /sys/fs/cgroup", None),
        ("/../outside", "/ /sys/fs/cgroup", None),
    ],
)
def test_the_own_cgroup_is_found_through_mountinfo(
    tmp_path: Path, own: str, mount: str, folder: str | None
) -> None:
    membership, mounts = tmp_path / "cgroup", tmp_path / "mountinfo"
    membership.write_text(f"9:name=systemd:/v1\n1:cpu:/v1\n0::{own}\n")
    mounts.write_text(
        "33 31 0:30 / /sys/fs/cgroup/cpuacct rw - cgroup cgroup rw,cpuacct\n"
        f"41 31 0:38 {mount} rw,relatime shared:1 - cgroup2 cgroup2 rw\n"
    )
    assert own_folder(membership, mounts) == (None if folder is None else Path(folder))
    membership.write_text("1:cpu:/v1\n")
    assert own_folder(membership, mounts) is None
    assert own_folder(tmp_path / "none", mounts) is None
