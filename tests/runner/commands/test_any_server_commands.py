# SPDX-License-Identifier: BSD-3-Clause
"""What `plan` and `run` say of files with servers of any kind."""

import json
import os

import pytest
from tests.runner.any_servers import ECHO, FILES
from tests.runner.desk import Desk


@pytest.mark.parametrize("name", ["redis-io-threads", "head-of-line"])
def test_a_file_is_planned_as_it_is(desk: Desk, name: str) -> None:
    done = desk.invoke("plan", FILES[name], "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    cells = [*document["cells"], *(one for one in document["left_out"])]
    for cell in cells:
        assert len(cell["parameters"]["asked"]) == 16
        assert "n" in cell["parameters"]
    shown = desk.invoke("plan", FILES[name])
    assert shown.returncode == 0
    assert " ".join(cells[0]["label"].split()) in " ".join(shown.stdout.split())


def test_plan_says_in_which_line_a_program_is_named_that_is_not_there(desk: Desk) -> None:
    path = desk.write(ECHO)
    done = desk.invoke("plan", path, "--json")
    assert done.returncode == 0, done.stderr
    (warning,) = json.loads(done.stdout)["warnings"]
    assert warning.endswith(f':3: mine: there is no program "./mine" in {desk.folder}')


def test_plan_leaves_out_what_is_not_installed(desk: Desk) -> None:
    path = desk.write(ECHO.replace('"./mine"', '"no-such-program-here"'))
    document = json.loads(desk.invoke("plan", path, "--json").stdout)
    assert document["cells"] == []
    assert {one["reason"] for one in document["left_out"]} == {
        'mine: there is no program "no-such-program-here" on the PATH: install it'
    }


def test_what_a_server_needs_and_is_not_here_is_said_with_what_brings_it(desk: Desk) -> None:
    (desk.folder / "web.py").write_text(WEB)
    needs = "needs = ['python3', '-c', 'import no_such_module']\ninstall = 'pip install it'\n"
    path = desk.write(HELLO.replace("cores = 1\n", f"cores = 1\n{needs}"))
    lacks = "ModuleNotFoundError: No module named 'no_such_module'"
    document = json.loads(desk.invoke("plan", path, "--json").stdout)
    assert {one["reason"] for one in document["left_out"]} == {
        f"web: {lacks}: `pip install it` brings it"
    }
    done = desk.run(path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "NOT HERE" in done.stdout
    assert f"2 cells left out: web: {lacks}: `pip install it` brings it" in done.stderr
    refused = desk.invoke("serve", "web", path)
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-2:] == [
        f"web cannot run here: {lacks}",
        "`pip install it` brings it",
    ]


@pytest.mark.needs("nginx")
def test_nginx_is_measured_for_a_person_whose_path_does_not_have_it(desk: Desk) -> None:
    folders = os.environ["PATH"].split(os.pathsep)
    path = os.pathsep.join(one for one in folders if not one.endswith("sbin"))
    text = FILES["nginx-workers"].read_text().replace('["hello", "hello-close", "file"]', '"hello"')
    head, _, _ = text.replace("workers = [1, 2, 4]", "workers = 1").partition("[[claim]]")
    load = "[load]\nduration = '0.1s'\nwarmup = '50ms'\n[plan]\ntimelines = false\nblocks = 1\n"
    done = desk.run(desk.write(head + load), PATH=path)
    assert done.returncode == 0, done.stdout + done.stderr
    (record,) = desk.measured()
    assert record["valid"]


WEB = """\
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_GET(self):
        self.send_response(200 if self.path == "/" else 404)
        self.send_header("Content-Length", "14")
        self.end_headers()
        self.wfile.write(b"Hello, World!\\n")

    def log_message(self, *words):
        pass

ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
HELLO = """\
title = "A server of HTTP"
[backends.web]
command = ["python3", "web.py", "{port}"]
cores = 1
[requests.hello]
get = "/"
[requests.hello-close]
get = "/"
close = true
[matrix]
backend = "web"
request = ["hello", "hello-close"]
clients = 2
[load]
duration = "0.1s"
warmup = "50ms"
[plan]
timelines = false
blocks = 5
[[claim]]
says = "It takes memory"
ratio = [{ request = "hello" }, { request = "hello-close" }]
metric = "memory"
within = [0.1, 10]
"""


def test_a_server_of_http_is_measured_by_its_file_alone(desk: Desk) -> None:
    (desk.folder / "web.py").write_text(WEB)
    path = desk.write(HELLO)
    done = desk.run(path)
    # A busy machine may keep the memory from being read in time.
    assert done.returncode in (0, 4), done.stdout + done.stderr
    verdict = "CONFIRMED     It takes memory" if done.returncode == 0 else "It takes memory"
    for said in ("web request=hello ", "web request=hello-close", verdict):
        assert said in done.stdout
    records = desk.records()
    assert all(record["valid"] for record in records)
    by_role = [record["role"] for record in records]
    assert {role: by_role.count(role) for role in by_role} == {
        "ceiling": 2,
        "measure": 10,
        "twin": 5,
    }
    shown = desk.invoke("report", path.stem, "--format", "json")
    assert shown.returncode == 0, shown.stderr
    cells = json.loads(shown.stdout)["cells"]
    assert [cell["parameters"]["request"] for cell in cells] == ["hello", "hello-close"]


def test_a_server_that_answers_wrongly_is_a_result_with_its_words(desk: Desk) -> None:
    (desk.folder / "web.py").write_text(WEB)
    text = HELLO.replace('get = "/"', 'get = "/missing"').replace("blocks = 5", "blocks = 1")
    done = desk.run(desk.write(text))
    assert done.returncode == 5, done.stdout + done.stderr
    words = " ".join(done.stdout.split())
    assert "[requests.hello], asked by 2 clients at once: the server answers wrongly" in words
    assert "is the path right, and what it is asked with?" in words
