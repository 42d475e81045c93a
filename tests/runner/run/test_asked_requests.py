# SPDX-License-Identifier: BSD-3-Clause
"""A run whose cells ask for requests of the file is gone on with as others are, and begun anew
where what they ask for has changed."""

import json
import os
import signal
import sys
from pathlib import Path

import pytest
from tests.runner.beginner import Beginner
from tests.runner.desk import Desk, run_with_a_trial_finished
from tests.runner.records import last_documents
from tests.runner.stored_runs import places_with

from fibench.store import read_run
from fibench.verdict import review

SERVER = """
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    def do_GET(self):
        body = b"x" * int(self.path[1:])
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words):
        pass
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
TEXT = f"""
title = "Pages"
[backends.mine]
command = [{json.dumps(sys.executable)}, "./mine.py", "{{port}}"]
[requests.page]
get = "/{{size}}"
headers = {{ Accept = "text/plain" }}
expect = {{ bytes = "{{size}}" }}
[requests.short]
get = "/1"
opening = [{{ send = "a", expect = "b" }}]
[[prepare]]
get = "/7"
[matrix]
backend = "mine"
request = "page"
size = [10, 2000]
[load]
clients = 2
duration = "0.1s"
warmup = "20ms"
[plan]
timelines = false
blocks = 3
seed = 7
"""
CLAIM = """\
[[claim]]
says = "Pages take memory"
value = { request = "page", size = 10 }
metric = "memory"
above = "1KiB"
"""
REFUSED = "its parameters, blocks or seed were others"


def test_after_ctrl_c_the_same_command_goes_on_with_equal_cells(desk: Desk) -> None:
    desk.write(SERVER, "mine.py")
    text = TEXT.replace("blocks = 3", "blocks = 4") + CLAIM
    with run_with_a_trial_finished(desk, text=text) as process:
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == 130
    folder, before = desk.run_folder(), desk.records()
    done = desk.invoke("run", desk.folder / "small.toml")
    assert done.stdout.startswith("resuming "), done.stdout + done.stderr
    assert done.returncode in (0, 4, 5), done.stdout + done.stderr
    records = desk.records()
    assert desk.run_folder() == folder
    assert records[: len(before)] == before
    assert [record["trial"] for record in last_documents(records)] == desk.planned()
    cells = {(record["cell"], json.dumps(record["parameters"])) for record in records}
    assert len(cells) == len({record["cell"] for record in records})
    assert all(record["parameters"]["asked"] for record in records)
    found = review(read_run(folder, places_with(desk.results)))
    (verdict,) = found.findings.verdicts
    assert verdict.claim.left.parameters.request == "page"
    kept = json.loads((folder / "claims.json").read_bytes())["claims"]
    assert [one["outcome"] for one in kept] == [verdict.outcome]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('get = "/{size}"', 'get = "/{size}?"'),
        ('get = "/{size}"', 'post = "/{size}"'),
        ("text/plain", "text/html"),
        ('{ bytes = "{size}" }', "{ status = 200 }"),
        ('{ bytes = "{size}" }', '{ bytes = "{size}" }\nclose = true'),
        ('{ bytes = "{size}" }', '{ bytes = "{size}" }\nopening = [{ expect = "*" }]'),
        ('get = "/7"', 'get = "/8"'),
        ('[[prepare]]\nget = "/7"\n', ""),
        ("size = [10, 2000]", "size = [10, 2001]"),
    ],
)
def test_a_run_is_not_gone_on_with_where_its_requests_have_changed(
    tmp_path: Path, before: str, after: str
) -> None:
    assert TEXT.count(before) == 1
    first = Beginner(tmp_path, text=TEXT)
    begun = first.begin()
    first.keep(begun.folder, begun.todo[:3])
    second = Beginner(tmp_path, text=TEXT.replace(before, after)).begin()
    assert not second.resumed
    assert second.folder != begun.folder
    (notice,) = second.notices
    assert notice == f"not resuming small/{begun.folder.name}: {REFUSED}"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('title = "Pages"', 'title = "More pages"'),
        ('[requests.short]\nget = "/1"', '[requests.short]\nget = "/2"'),
        ("[requests.page]\n", "[requests.page] # one\n"),
    ],
    ids=["words", "what nobody asks for", "a comment"],
)
def test_it_is_gone_on_with_where_what_is_asked_for_is_the_same(
    tmp_path: Path, before: str, after: str
) -> None:
    first = Beginner(tmp_path, text=TEXT)
    begun = first.begin()
    first.keep(begun.folder, begun.todo[:3])
    second = Beginner(tmp_path, text=TEXT.replace(before, after)).begin()
    assert (second.folder, second.resumed) == (begun.folder, True)


@pytest.mark.parametrize(
    ("after", "is_other"),
    [
        (CLAIM, False),
        (CLAIM.replace("Pages", "All pages"), False),
        (CLAIM.replace("size = 10 }", "size = 2000 }"), True),
        (CLAIM.replace("1KiB", "2KiB"), True),
        ("", True),
    ],
    ids=["the same", "its words", "another cell", "another bound", "none"],
)
def test_other_claims_about_requests_are_told_of(
    tmp_path: Path, after: str, is_other: bool
) -> None:
    first = Beginner(tmp_path, text=TEXT + CLAIM)
    begun = first.begin()
    first.keep(begun.folder, begun.todo[:3])
    second = Beginner(tmp_path, text=TEXT + after).begin()
    assert (second.folder, second.resumed) == (begun.folder, True)
    assert second.other_claims == is_other
