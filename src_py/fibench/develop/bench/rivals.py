# SPDX-License-Identifier: BSD-3-Clause
"""nginx and redis-server, where they are installed: what well-known servers take for a request.

Each is as its makers would have it for this: one worker, no log, connections that stay, nothing
written to disk. They run from a temporary folder, with a configuration of their own.
"""

import os
import shutil
from pathlib import Path

from fibench.backends.own_servers import SYSTEM_FOLDERS
from fibench.develop.bench.measuring import HOST, PORT, Server

BACKLOG = 4096

_NGINX = """\
daemon off;
worker_processes 1;
worker_rlimit_nofile {files};
pid {prefix}/nginx.pid;
error_log stderr crit;
events {{
    worker_connections {connections};
}}
http {{
    access_log off;
    keepalive_timeout 1h;
    keepalive_requests 1000000000;
    client_body_temp_path {prefix}/body;
    proxy_temp_path {prefix}/proxy;
    fastcgi_temp_path {prefix}/fastcgi;
    uwsgi_temp_path {prefix}/uwsgi;
    scgi_temp_path {prefix}/scgi;
    server {{
        listen {host}:{port} backlog={backlog};
        location / {{
            {answer}
        }}
    }}
}}
"""


def find_program(name: str, path: str | None = None) -> str | None:
    """Where a program is: on the PATH, or where the system keeps its servers."""
    folders = [path if path is not None else os.environ.get("PATH", os.defpath), *SYSTEM_FOLDERS]
    return shutil.which(name, path=os.pathsep.join(folders))


def nginx_config(prefix: Path, clients: int, answer: str = "return 204;") -> str:
    """A configuration that answers all alike over connections that stay; PORT is in it."""
    connections = clients + 64
    return _NGINX.format(
        prefix=prefix, host=HOST, port=PORT, backlog=BACKLOG,
        connections=connections, files=2 * connections, answer=answer,
    )  # fmt: skip


def nginx_server(program: str, folder: Path, clients: int, answer: str = "return 204;") -> Server:
    """One nginx, whose configuration and whatever it writes are in `folder`."""
    config = folder / "nginx.conf"
    # -e: otherwise it opens the system's error log before it reads the configuration.
    command = (program, "-e", "stderr", "-p", str(folder), "-c", str(config))
    text = nginx_config(folder, clients, answer)
    return Server("nginx", command, ready_fd=False, files={config: text})


def redis_server(program: str, folder: Path) -> Server:
    """One redis-server that keeps nothing."""
    options = (
        "--bind", HOST, "--port", PORT, "--dir", str(folder), "--save", "", "--appendonly", "no",
        "--tcp-backlog", str(BACKLOG), "--loglevel", "warning",
    )  # fmt: skip
    return Server("redis-server", (program, *options), ready_fd=False)
