# SPDX-License-Identifier: BSD-3-Clause
"""Experiments with servers of any kind, as people write them; and a small one to be changed."""

from pathlib import Path

FILES = {path.stem: path for path in sorted(Path(__file__).with_name("any_server").glob("*.toml"))}
TEXTS = {name: path.read_text(encoding="utf-8") for name, path in FILES.items()}

ECHO = """\
title = "t"
[backends.mine]
command = ["./mine", "--port={port}", "{io_threads}"]
env = { LANG = "C" }
[backends.mine.files]
"a.conf" = "{ port {port}; }"
[requests.echo]
send = { bytes = "{size}" }
expect = "same"
[requests.page]
post = "/page?size={size}"
headers = { Accept = "text/html" }
body = '{"size": {size}, "other": {"a": 1}}'
expect = { status = 200, bytes = 9 }
[[prepare]]
for = "mine"
send = "HELLO {size}\\r\\n"
expect = "*"
[[matrix]]
backend = "mine"
request = ["echo", "page"]
size = [1, 64]
io_threads = 2
[load]
[[claim]]
says = "c"
ratio = [{ size = 64 }, { size = 1 }]
metric = "throughput"
where = { request = "echo" }
below = 1.1
"""
