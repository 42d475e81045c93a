# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of builds share."""

from pathlib import Path

import pytest

from .small_builds import ARCHIVE, REAL, Small, make_small


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
