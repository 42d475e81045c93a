# SPDX-License-Identifier: BSD-3-Clause
"""What environment.json says of this machine, and of others that are made up as folders."""

import json
import os
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from tests.here import CHECKOUT, leave_out

import fibench
from fibench.build import record as build_record
from fibench.folders import find_places
from fibench.machine import cores as machine
from fibench.machine import facts
from fibench.run import environment as run_environment


def _tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def _document() -> dict[str, Any]:
    identity: Any = {"programs": {"server": "00"}, "interpreters": {}}
    return dict(run_environment.environment(find_places(), identity))


def test_the_document_is_json_with_a_schema_and_names_this_machine(programs: Path) -> None:
    document = json.loads(json.dumps(_document(), allow_nan=False))
    assert document["schema"] == run_environment.SCHEMA
    assert document["usable_cores"] == len(document["physical_cores"]) >= 1
    assert document["kernel"] == os.uname().release
    assert document["python"]["gil"] in (True, False)
    assert document["memory_bytes"] > 1 << 20
    assert document["limits"]["nofile_hard"] is None or document["limits"]["nofile_hard"] > 0
    assert document["compiler"]["options"]["buildtype"]
    assert "-O3" in document["compiler"]["flags"]
    assert document["programs"] == {"server": "00"}
    assert document["fibench"] == fibench.__version__
    for about in document["libraries"].values():
        assert (about["origin"] is None) == (about["lacking"] is not None)


def test_every_member_is_documented(programs: Path) -> None:
    text = (CHECKOUT / "docs" / "results.md").read_text()
    part = text[text.index("## environment.json") :].split("\n## ")[0]
    document = _document()
    names = set(document) | set(document["limits"]) | set(document["cgroup"])
    names |= set(document["compiler"]) | set(document["python"]) | set(document["git"])
    undocumented = {name for name in names if f"`{name}`" not in part}
    assert undocumented == set()


def test_an_installed_fibench_has_its_compiler_and_no_commit(tmp_path: Path) -> None:
    package = tmp_path / "site-packages" / "fibench"
    places = find_places(package, tmp_path)
    assert build_record.compiler(places.programs) is None
    assert build_record.libraries(places.programs) is None
    record = {"compiler": {"id": "gcc"}, "libraries": {"libaio": {"lacking": "not found"}}}
    _tree(package, {"libexec/build.json": json.dumps(record)})
    assert build_record.compiler(places.programs) == {"id": "gcc"}
    assert build_record.libraries(places.programs) == {"libaio": {"lacking": "not found"}}
    assert run_environment.git(places.checkout) == {"revision": None, "changed": None}


def test_the_flags_are_those_that_every_file_was_compiled_with(programs: Path) -> None:
    commands = find_places().build / "compile_commands.json"
    if programs != find_places().programs or not commands.is_file():
        leave_out("the programs are of another build")
    flags = _document()["compiler"]["flags"]
    for entry in json.loads(commands.read_bytes()):
        if "subprojects" not in entry["file"]:
            assert set(flags) - set(shlex.split(entry["command"])) == set(), entry["file"]


def test_a_build_that_is_not_there_or_damaged_is_null(tmp_path: Path) -> None:
    package = tmp_path / "src_py" / "fibench"
    _tree(tmp_path, {"meson.build": "", "src_c/x": ""})
    assert build_record.compiler(find_places(package).programs) is None
    for damaged in ("[]", "{", '{"compiler": []}', "\xff"):
        _tree(tmp_path, {"build/install/libexec/fibench/build.json": damaged})
        assert build_record.compiler(find_places(package).programs) is None


def test_a_folder_without_git_is_no_error(tmp_path: Path) -> None:
    assert run_environment.git(tmp_path / "none") == {"revision": None, "changed": None}


CPU = "processor\t: 0\nflags\t\t: fpu sse2{more}\n"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"proc/cpuinfo": CPU.format(more="")}, "none"),
        ({"proc/cpuinfo": CPU.format(more=" hypervisor")}, "unknown"),
        (
            {
                "proc/cpuinfo": CPU.format(more=" hypervisor"),
                "sys/class/dmi/id/sys_vendor": "QEMU\n",
            },
            "QEMU",
        ),
        (
            {
                "proc/cpuinfo": CPU.format(more=" hypervisor"),
                "sys/class/dmi/id/board_vendor": "Amazon EC2\n",
            },
            "Amazon EC2",
        ),
        (
            # A laptop by that maker is no virtual machine.
            {
                "proc/cpuinfo": CPU.format(more=""),
                "sys/class/dmi/id/sys_vendor": "Microsoft Corporation\n",
            },
            "none",
        ),
        ({"proc/sys/kernel/osrelease": "5.15.1-microsoft-standard-WSL2\n"}, "WSL"),
        ({"proc/device-tree/hypervisor/compatible": "linux,kvm\0"}, "KVM"),
        ({"proc/cpuinfo": "CPU architecture: 8\n"}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_the_hypervisor_is_told_from_files(
    tmp_path: Path, files: dict[str, str], expected: str | None
) -> None:
    assert facts.virtualisation(_tree(tmp_path, files)) == expected


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"intel_pstate/no_turbo": "0\n"}, True),
        ({"intel_pstate/no_turbo": "1\n"}, False),
        ({"cpufreq/boost": "1\n"}, True),
        ({"cpufreq/boost": "0\n"}, False),
        ({}, None),
    ],
)
def test_turbo_is_known_from_either_driver(
    tmp_path: Path, files: dict[str, str], expected: bool | None
) -> None:
    assert facts.turbo(_tree(tmp_path, files)) is expected


def test_smt_and_mitigations_are_read_from_sys(tmp_path: Path) -> None:
    assert facts.smt(tmp_path) is None
    assert facts.mitigations(tmp_path) is None
    _tree(tmp_path, {"smt/active": "1\n", "vulnerabilities/meltdown": "Mitigation: PTI\n"})
    assert facts.smt(tmp_path) is True
    assert facts.mitigations(tmp_path) == {"meltdown": "Mitigation: PTI"}


def test_the_chosen_word_is_the_one_in_brackets() -> None:
    assert facts.chosen("always [madvise] never") == "madvise"
    assert facts.chosen("nothing") is None
    assert facts.chosen(None) is None


def _cgroup(tmp_path: Path, membership: str, mounts: str) -> facts.CgroupFacts:
    _tree(tmp_path, {"cgroup": membership, "mountinfo": mounts})
    return facts.cgroup(tmp_path / "cgroup", tmp_path / "mountinfo")


def test_a_unified_hierarchy_that_can_be_written_is_found(tmp_path: Path) -> None:
    (tmp_path / "fs" / "job").mkdir(parents=True)
    mount = f"30 20 0:26 / {tmp_path}/fs rw - cgroup2 cgroup2 rw\n"
    assert _cgroup(tmp_path, "0::/job\n", mount) == {"version": 2, "unified_writable": True}
    mount = f"30 20 0:26 /job {tmp_path}/fs/job rw - cgroup2 cgroup2 rw\n"
    assert _cgroup(tmp_path, "0::/job\n", mount) == {"version": 2, "unified_writable": True}


def test_a_group_outside_of_what_is_mounted_cannot_be_written(tmp_path: Path) -> None:
    mount = f"30 20 0:26 /other {tmp_path}/fs rw - cgroup2 cgroup2 rw\n"
    assert _cgroup(tmp_path, "0::/job\n", mount) == {"version": 2, "unified_writable": False}


def test_with_both_versions_the_controllers_are_those_of_the_first(tmp_path: Path) -> None:
    assert _cgroup(tmp_path, "4:memory:/a\n0::/\n", "")["version"] == 1


def test_without_cgroups_there_is_no_version(tmp_path: Path) -> None:
    found = facts.cgroup(tmp_path / "none", tmp_path / "none")
    assert found == {"version": None, "unified_writable": False}


@pytest.mark.parametrize(
    ("supplies", "expected"),
    [
        ({}, None),
        ({"AC": {"type": "Mains", "online": "1"}}, "mains"),
        ({"AC": {"type": "Mains", "online": "0"},
          "BAT0": {"type": "Battery", "status": "Discharging"}}, "battery"),
        ({"AC": {"type": "Mains", "online": "1"},
          "BAT0": {"type": "Battery", "status": "Discharging"}}, "mains"),
        ({"BAT0": {"type": "Battery", "status": "Discharging"}}, "battery"),
        ({"BAT0": {"type": "Battery", "status": "Full"}}, "mains"),
        ({"mouse": {"type": "Battery", "status": "Discharging", "scope": "Device"}}, None),
    ],
)  # fmt: skip
def test_the_power_source_is_told_from_supplies(
    tmp_path: Path, supplies: dict[str, dict[str, str]], expected: str | None
) -> None:
    for name, files in supplies.items():
        _tree(tmp_path / name, {file: f"{text}\n" for file, text in files.items()})
    assert machine.power_source(tmp_path) == expected


def test_governors_that_differ_are_all_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2})
    assert machine.governor(tmp_path) is None
    for cpu, name in enumerate(["powersave", "performance", "powersave"]):
        _tree(tmp_path, {f"cpu{cpu}/cpufreq/scaling_governor": f"{name}\n"})
    assert machine.governor(tmp_path) == "performance, powersave"


def test_the_boot_has_a_name() -> None:
    assert re.fullmatch(r"[0-9a-f-]{36}", machine.boot_id() or "")
