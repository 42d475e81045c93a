# SPDX-License-Identifier: BSD-3-Clause
"""How long a page of very many trials takes: to be written, and to be opened in a browser.

The run is made up: twelve designs in five hundred blocks, with the latencies of each trial.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from fibench.develop.bench.listing import Making
from fibench.folders import find_places

LIMIT_S = 5.0
"""No page of so many trials may take longer to write."""
OPENING_LIMIT_S = 1.0
"""Nor to open, beside an empty one."""
ROUNDS = 5
_DESIGNS = ("sync", "mp", "mt", "mt-pool", "mp-pool")
_BACKENDS = [f"{language}-{design}" for language in ("c", "py") for design in _DESIGNS]
_TEXT = f"""\
title = "Many trials"
[matrix]
backend = {json.dumps([*_BACKENDS, "c-epoll", "py-async"])}
n = 3
[load]
clients = 8
duration = "1s"
[plan]
blocks = 500
[[claim]]
says = "Processes beat threads"
ratio = [{{ backend = "py-mp" }}, {{ backend = "py-mt" }}]
metric = "throughput"
above = 1.3
"""
_BROWSER = "chromium"


def measure(folder: Path) -> tuple[float, Path]:
    """Seconds to read a run, judge it and write its page; and that page."""
    # Else what a page imports is in the modules that a benchmark of something else loads.
    from fibench.page import page_of
    from fibench.store import open_run
    from fibench.verdict import review

    run, page = folder / "many" / "2026-11-23T0915-0000", folder / "report.html"
    making = Making(_TEXT)
    making.make(run, random.Random(1))
    for trial in making.trials:
        own = run / "trials" / f"{trial.index:03d}"
        own.mkdir()
        counts = [[9000 + 7 * place + trial.index % 5, 3] for place in range(100)]
        (own / "load.json").write_text(
            json.dumps({"schema": 2, "latency": {"histogram": {"counts": counts}}})
        )
    began_s = time.perf_counter()
    page.write_text(page_of(review(open_run(str(run), find_places()))), encoding="utf-8")
    return time.perf_counter() - began_s, page


def opening_s(browser: str, page: Path, folder: Path) -> float:
    """How much longer a browser takes that opens a page, runs its scripts and ends, than one that
    opens an empty one: the median over rounds of both."""
    empty = folder / "empty.html"
    empty.write_text("<!doctype html><title>empty</title>")
    return statistics.median(
        _timed(lambda: _open(browser, page)) - _timed(lambda: _open(browser, empty))
        for _ in range(ROUNDS)
    )


def print_paging() -> bool:
    """Print how long both take; return whether that is within the limits."""
    with tempfile.TemporaryDirectory(prefix="fibench-page-") as name:
        folder = Path(name)
        took_s, page = measure(folder)
        size = page.stat().st_size / 1e6
        print(f"a page of 6,500 trials, {size:.2f} MB: {took_s:.2f} s (at most {LIMIT_S:g} s)")
        browser = shutil.which(_BROWSER)
        if browser is None:
            print(f"  {_BROWSER} is not here: how long it takes to open is not measured")
            return took_s <= LIMIT_S
        opened_s = opening_s(browser, page, folder)
        print(f"  to open it, with scripts: {opened_s:.2f} s (at most {OPENING_LIMIT_S:g} s)")
        return took_s <= LIMIT_S and opened_s <= OPENING_LIMIT_S


def _open(browser: str, page: Path) -> None:
    argv = [browser, "--headless=new", "--disable-gpu", "--incognito", "--no-first-run"]
    argv += ["--no-sandbox"] if os.geteuid() == 0 else []  # which it asks of root; the page is ours
    done = subprocess.run(
        [*argv, "--dump-dom", page.as_uri()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    assert b"<title>" in done.stdout


def _timed(does: Callable[[], None]) -> float:
    began_s = time.perf_counter()
    does()
    return time.perf_counter() - began_s
