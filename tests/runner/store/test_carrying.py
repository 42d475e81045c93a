# SPDX-License-Identifier: BSD-3-Clause
"""A run within a page, and back again; pages may come from anywhere."""

import base64
import gzip
import hashlib
import io
import re
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.runner.page.model_runs import Model, model_run
from tests.runner.stored_runs import EXPERIMENT, make_run, places_with, rewrite_journal

from fibench.page import page_of
from fibench.store import StoredError, open_run_or_page, read_run
from fibench.store.carrying.opening import read_page
from fibench.store.carrying.packing import FILES, NoArchive, packed, unpack_run
from fibench.store.carrying.pages import ALTERED, carries_run
from fibench.verdict import review

BLOCK = re.compile(
    r'(<script type="application/gzip" id="run" data-name="[^"]*"\s+data-sha256=")([0-9a-f]{64})'
    r'(">)([^<]*)(</script>)'
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_run(tmp_path / "results" / "made" / "2026-11-24T2255-63e1", schema=2)


@pytest.fixture
def page(folder: Path, tmp_path: Path) -> Path:
    path = tmp_path / "handed-in" / "mine.html"
    path.parent.mkdir()
    path.write_text(page_of(review(read_run(folder, places_with(folder.parents[1])))))
    return path


def carrying(page: Path, change: Callable[[bytes], bytes], *, new_digest: bool) -> None:
    """Change the archive in a page; with `new_digest` as somebody does who knows how."""
    text = page.read_text()
    found = BLOCK.search(text)
    assert found is not None
    data = change(base64.b64decode(found[4]))
    digest = hashlib.sha256(data).hexdigest() if new_digest else found[2]
    block = found[1] + digest + found[3] + base64.b64encode(data).decode() + found[5]
    page.write_text(text[: found.start()] + block + text[found.end() :])


def archive(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as found:
        for about, data in members:
            about.size = len(data)
            found.addfile(about, io.BytesIO(data))
    return gzip.compress(stream.getvalue())


def test_what_is_read_back_is_what_was_written(folder: Path, page: Path) -> None:
    there = read_run(folder, places_with(folder.parents[1]))
    back = open_run_or_page(str(page), places_with(folder.parents[1]))
    assert back.name == there.name
    assert back.records == there.records
    assert back.experiment == there.experiment
    assert back.kept_claims == there.kept_claims
    assert back.remarks == there.remarks
    assert back.shown_at == page
    assert review(back).verdicts == review(there).verdicts
    for name in FILES:
        if (folder / name).exists():
            assert (back.folder / name).read_bytes() == (folder / name).read_bytes()


def test_the_page_of_a_page_carries_the_same_run(folder: Path, page: Path) -> None:
    back = read_page(page, places_with(folder.parents[1]))
    assert packed(back) == packed(read_run(folder, places_with(folder.parents[1])))


def test_what_a_failed_server_wrote_is_carried(tmp_path: Path) -> None:
    def fails(document: dict[str, object], trial: object) -> None:
        document |= {"valid": False, "reason": "it ended", "failure": "server", "metrics": {}}

    made = model_run(tmp_path / "run", EXPERIMENT, Model(change=fails))
    for place in made.glob("trials/*"):
        (place / "server.err").write_text("words")
    data = packed(read_run(made, places_with(tmp_path)))
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as found:
        words = [name for name in found.getnames() if name.endswith("/server.err")]
    assert len(words) >= 10


def test_an_altered_journal_is_told_by_its_own_digests_and_by_the_page(
    folder: Path, page: Path, tmp_path: Path
) -> None:
    def faster(data: bytes) -> bytes:
        scratch = tmp_path / "scratch"
        unpack_run(data, scratch)

        def change(record: dict[str, dict[str, float]]) -> None:
            record["metrics"]["throughput_per_s"] *= 2.0

        rewrite_journal(scratch, change)
        names = [name for name in FILES if (scratch / name).exists()]
        return archive(*((tarfile.TarInfo(name), (scratch / name).read_bytes()) for name in names))

    carrying(page, faster, new_digest=False)
    run = read_page(page, places_with(folder.parents[1]))
    assert ALTERED in run.remarks
    assert ALTERED in review(run).marks


def test_one_byte_that_is_another_is_told(folder: Path, page: Path) -> None:
    def later(data: bytes) -> bytes:
        return data[:4] + b"\1" + data[5:]  # of the time in the head of gzip, which nobody reads

    carrying(page, later, new_digest=False)
    assert read_page(page, places_with(folder.parents[1])).remarks == [ALTERED]


LINK = tarfile.TarInfo("plan.json")
LINK.type, LINK.linkname = tarfile.SYMTYPE, "/etc/passwd"
DEVICE = tarfile.TarInfo("plan.json")
DEVICE.type = tarfile.CHRTYPE


@pytest.mark.parametrize(
    "data",
    [
        archive((tarfile.TarInfo("../plan.json"), b"{}")),
        archive((tarfile.TarInfo("/plan.json"), b"{}")),
        archive((tarfile.TarInfo("trials/../../x/server.err"), b"{}")),
        archive((tarfile.TarInfo("plan.json\0x"), b"{}"), (tarfile.TarInfo("other"), b"")),
        archive((LINK, b"")),
        archive((DEVICE, b"")),
        gzip.compress(b"no archive" * 1000),
        b"nothing at all",
        gzip.compress(b"x" * 100)[:-9],
    ],
    ids=["above", "absolute", "winding", "other", "link", "device", "text", "no gzip", "cut"],
)
def test_an_archive_that_is_no_run_leaves_nothing_anywhere(
    data: bytes, page: Path, folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(NoArchive):
        unpack_run(data, tmp_path / "empty" / "folder")
    assert not (tmp_path / "empty").exists()
    carrying(page, lambda _: data, new_digest=True)
    with pytest.raises(StoredError, match=r"mine\.html cannot be read") as caught:
        read_page(page, places_with(folder.parents[1]))
    assert caught.value.hint


def test_what_unpacks_to_more_than_memory_has_is_refused(tmp_path: Path) -> None:
    bomb = gzip.compress(b"\0" * (300 << 20), 1)
    assert len(bomb) < 4 << 20
    with pytest.raises(NoArchive, match="more than 256 MiB"):
        unpack_run(bomb, tmp_path / "folder")


@given(st.binary(max_size=2000))
def test_whatever_bytes_there_are_no_more_than_a_clause_comes_of_them(data: bytes) -> None:
    for whole in (data, gzip.compress(data)):
        with pytest.raises(NoArchive):
            unpack_run(whole, Path("/nonexistent"))


@pytest.mark.parametrize("text", ["", "<html>", "<script type='application/gzip' id='run'>"])
def test_a_page_without_a_run_says_so(text: str, tmp_path: Path) -> None:
    path = tmp_path / "other.html"
    path.write_text(text)
    assert not carries_run(path)
    with pytest.raises(StoredError, match="carries no run"):
        read_page(path, places_with(tmp_path))
