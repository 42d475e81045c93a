# SPDX-License-Identifier: BSD-3-Clause
"""What brings a program that is not here, by its name: of those that people often compare."""

from __future__ import annotations

from fibench.wording import escaped

_APT = {
    "caddy": "caddy", "haproxy": "haproxy", "memcached": "memcached", "nginx": "nginx",
    "apache2": "apache2", "httpd": "apache2", "lighttpd": "lighttpd", "varnishd": "varnish",
    "redis-server": "redis-server", "valkey-server": "valkey-server", "node": "nodejs",
    "nodejs": "nodejs", "npm": "npm", "go": "golang", "cargo": "cargo", "rustc": "rustc",
    "gcc": "gcc", "cc": "gcc", "g++": "g++", "clang": "clang", "make": "make", "cmake": "cmake",
    "meson": "meson", "java": "default-jre", "javac": "default-jdk", "mvn": "maven",
    "gradle": "gradle", "php": "php-cli", "ruby": "ruby", "puma": "puma", "perl": "perl",
    "lua": "lua5.4", "erl": "erlang", "elixir": "elixir", "ghc": "ghc", "python3": "python3",
    "uwsgi": "uwsgi", "pypy3": "pypy3", "postgres": "postgresql",
}  # fmt: skip
"""By the name of a program, the package of Debian and Ubuntu that has it."""
_PIP = frozenset(
    (
        *("daphne", "flask", "granian", "gunicorn", "hypercorn", "robyn", "sanic", "twistd"),
        *("uvicorn", "waitress-serve"),
    )
)
_PIP_NAMES = {"twistd": "twisted", "waitress-serve": "waitress"}


def how_to_install(program: str, line: str | None = None) -> str:
    """What to do about a program that is not on the PATH, as a clause; `line` is what the file says
    about that."""
    if line is not None:
        return f"`{escaped(line)}` brings it"
    if program in _PIP:
        return f"`pip install {_PIP_NAMES.get(program, program)}` brings it"
    package = _APT.get(program)
    return f"`apt install {package}` brings it" if package else "install it"
