# SPDX-License-Identifier: BSD-3-Clause
"""Faults of an experiment file, but for its claims: what is changed in SMALL, and what is said."""

from tests.runner.experiments import CLAIM, OWN

DIAGNOSTICS = {
    # What a word is wrong about
    "unknown backend": (
        ('"py-mt"]', '"py-mtt"]'),
        'e.toml:3:23: unknown backend "py-mtt"\ndid you mean "py-mt"?',
    ),
    "unknown backend in a claim": (
        ("[load]", "[load]" + CLAIM.replace("py-mt", "py-mtt")),
        'e.toml:8:21: unknown backend "py-mtt"\ndid you mean "py-mt"?',
    ),
    "misspelt key": (
        ("[load]", "[load]\nclient = 8"),
        'e.toml:6:1: unknown key "client" in [load]\ndid you mean "clients"?',
    ),
    "key all but called like a table": (
        ("backend =", "backends ="),
        (
            'e.toml:3:1: unknown key "backends" in [[matrix]]\n'
            'did you mean "backend"? Write backend = ["py-sync", "py-mt"]'
        ),
    ),
    "misspelt key at the top": (
        ("title", "titel"),
        'e.toml:1:1: unknown key "titel"\ndid you mean "title"?',
    ),
    "misspelt table": (
        ("[load]", "[lod]"),
        'e.toml:5:2: unknown key "lod"\ndid you mean "load"?',
    ),
    "key in the wrong table": (
        ("[server]", "[server]\nclients = 8"),
        'e.toml:5:1: unknown key "clients" in [server]\n`clients` belongs in [load]',
    ),
    "key of a claim in the plan": (
        ("[server]", "[plan]\nmetric = 8\n[server]"),
        'e.toml:5:1: unknown key "metric" in [plan]\n`metric` belongs in [[claim]]',
    ),
    "misspelt key of another table": (
        ("[server]", "[server]\nclientss = 8"),
        (
            'e.toml:5:1: unknown key "clientss" in [server]\n'
            'did you mean "clients"? It belongs in [load]'
        ),
    ),
    "port in the matrix": (
        ("[server]", "port = [1, 2]\n[server]"),
        (
            'e.toml:4:1: unknown key "port" in [[matrix]]\n'
            "`port` does not vary: it belongs in [server]"
        ),
    ),
    "title missing": (
        ('title = "t"', ""),
        'e.toml:1:1: title is missing\nbegin the file with title = "what the experiment shows"',
    ),
    "backend missing": (
        ('backend = ["py-sync", "py-mt"]', ""),
        'e.toml:2:3: backend is missing in [[matrix]]\nadd backend = ["py-sync", "py-mt"]',
    ),
    "metric missing": (
        ("[load]", "[load]" + CLAIM.replace('metric = "cores"\n', "")),
        'e.toml:6:3: metric is missing in [[claim]]\nadd metric = "throughput"',
    ),
    "key of a later version": (
        ("[load]", "[load]\nzipf = 100"),
        (
            'e.toml:6:1: unknown key "zipf" in [load]\n'
            "valid: arrivals, clients, cpus, duration, group, kind, n, pipeline, rate, request, "
            "requests, requests_per_connection, spin, threads, timeout, warmup"
        ),
    ),
    # What a value is wrong about
    "port 70000": (
        ("[server]", "[server]\nport = 70000"),
        "e.toml:5:8: port 70000 is outside 1 to 65535",
    ),
    "port 0": (
        ("[server]", "[server]\nport = 0"),
        "e.toml:5:8: port 0 is outside 1 to 65535",
    ),
    "text for a number": (
        ("[load]", '[load]\nclients = "8"'),
        "e.toml:6:11: clients must be a whole number, not text\nwrite 8, without quotes",
    ),
    "truth for a number": (
        ("[load]", "[load]\nclients = true"),
        "e.toml:6:11: clients must be a whole number, not true or false",
    ),
    "date for a number": (
        ("[load]", "[load]\nclients = 2026-01-01"),
        "e.toml:6:11: clients must be a whole number, not a date or time",
    ),
    "list where one value is meant": (
        ("[load]", "[load]\nclients = [1, 2]"),
        (
            "e.toml:6:11: clients must be a whole number, not a list\n"
            "several values belong in [[matrix]]"
        ),
    ),
    "range in a text": (
        ("[server]", 'clients = "1-8"\n[server]'),
        (
            "e.toml:4:11: clients must be a whole number, not text\n"
            "several values are a list, in [[matrix]]: [1, 8]"
        ),
    ),
    "huge number": (
        ("[load]", f"[load]\nclients = 0x{'f' * 9000}"),
        "e.toml:6:11: clients a number of over 30 digits is outside 1 to 20000",
    ),
    "unknown backend in an exclude": (
        ("[server]", '[[exclude]]\nbackend = "c-mq"\n[server]'),
        'e.toml:5:11: unknown backend "c-mq"\ndid you mean "c-mt"?',
    ),
    "bare number for a duration": (
        ("[load]", "[load]\nduration = 2"),
        'e.toml:6:12: duration needs a unit: write "2s"',
    ),
    "bare fraction of a second": (
        ("[server]", "[server]\nswitch_interval = 0.005"),
        'e.toml:5:19: switch_interval needs a unit: write "5ms"',
    ),
    "bare number that can only be in one unit": (
        ("[load]", "[load]\nduration = 3601"),
        'e.toml:6:12: duration needs a unit: write "3601ms"',
    ),
    "bare number that no unit makes right": (
        ("[load]", "[load]\nduration = -1"),
        'e.toml:6:12: duration needs a unit: write for example "0.7s"',
    ),
    "duration with a wrong unit": (
        ("[load]", '[load]\nduration = "2 sec"'),
        'e.toml:6:12: duration "2 sec" is no duration\nwrite a number and a unit: "0.7s", "200ms"',
    ),
    "duration out of range": (
        ("[load]", '[load]\nduration = "2h"'),
        'e.toml:6:12: duration "2h" is outside 10ms to 60min',
    ),
    "unknown framing": (
        ("[server]", '[server]\nframing = "lines"'),
        'e.toml:5:11: framing "lines" is unknown\ndid you mean "line"?',
    ),
    "unknown metric": (
        ("[load]", "[load]" + CLAIM.replace("cores", "core")),
        'e.toml:9:10: metric "core" is unknown\ndid you mean "cores"?',
    ),
    "name that is none": (
        ('"py-mt"]', '"Py mt"]'),
        (
            'e.toml:3:23: backend "Py mt" is not allowed\n'
            "allowed: 1 to 64 of a-z, 0-9, '.', '_', '-'"
        ),
    ),
    "host that is none": (
        ("[server]", '[server]\nhost = "-x"'),
        'e.toml:5:8: host "-x" is not allowed\nallowed: an address or a host name',
    ),
    "table for a value": (
        ("[server]", "server = 5"),
        (
            'e.toml:4:1: unknown key "server" in [[matrix]]\n'
            "`server` belongs at the top of the file, before the first table"
        ),
    ),
    "value for a table": (
        ('title = "t"', 'title = "t"\nplan = 5'),
        "e.toml:2:8: plan must be a table, not a whole number\nwrite [plan]",
    ),
    "empty list": (
        ("[server]", "n = []\n[server]"),
        "e.toml:4:5: n is an empty list\ngive at least one value, or remove the key",
    ),
    "empty title": (('"t"', '" "'), "e.toml:1:9: title is empty"),
    "title of two lines": (('"t"', '"a\\nb"'), "e.toml:1:9: title must be one line"),
    "control character in a title": (
        ('"t"', '"a\\u001b[2J"'),
        "e.toml:1:9: title contains the character U+001B\nremove it",
    ),
    "too many clients": (
        ("[load]", "[load]\nclients = 20001"),
        "e.toml:6:11: clients 20001 is outside 1 to 20000",
    ),
    "element of a list": (
        ("[server]", "n = [1, 46]\n[server]"),
        "e.toml:4:9: n 46 is outside 0 to 45",
    ),
    # What does not fit together
    "key in [load] and in [[matrix]]": (
        ("[server]\n[load]", "clients = [1, 2]\n[load]\nclients = 8"),
        "e.toml:4:1: clients stands in [load] and in [[matrix]]\nkeep one of them",
    ),
    "key in [server] and in [[matrix]]": (
        ("[server]", 'io_wait = "1ms"\n[server]\nio_wait = "1ms"'),
        "e.toml:4:1: io_wait stands in [server] and in [[matrix]]\nkeep one of them",
    ),
    "value twice": (
        ("[server]", "n = [1, 2, 1]\n[server]"),
        "e.toml:4:12: n 1 is given twice\nremove one of them",
    ),
    "backend twice": (
        ('"py-mt"]', '"py-sync"]'),
        'e.toml:3:23: backend "py-sync" is given twice\nremove one of them',
    ),
    "duration twice in other words": (
        ("[server]", 'warmup = ["1s", "1000ms"]\n[server]'),
        "e.toml:4:17: warmup 1s is given twice\nremove one of them",
    ),
    "cell twice": (
        ("[server]", '[[matrix]]\nbackend = "py-mt"\n[server]'),
        (
            "e.toml:5:11: an earlier [[matrix]] makes the same cell: py-mt\n"
            "remove the backend from one of the two tables, or give them different values"
        ),
    ),
    "n above max_n": (
        ("[load]", "[load]\nn = 40"),
        (
            'e.toml:6:5: n 40 is above max_n 34: the reply would be "out of range"\n'
            "write max_n = 40 in [server]"
        ),
    ),
    "duration and requests": (
        ("[load]", '[load]\nduration = "1s"\nrequests = 5'),
        (
            "e.toml:7:12: duration and requests are both given\n"
            "a window ends after a time or after replies: keep one"
        ),
    ),
    "pipeline without lines": (
        ("[load]", "[load]\npipeline = 4"),
        (
            'e.toml:6:12: pipeline 4 needs framing = "line"\n'
            'with "message" each connection carries one request'
        ),
    ),
    "renewed connections without lines": (
        ("[load]", "[load]\nrequests_per_connection = 4"),
        (
            'e.toml:6:27: requests_per_connection 4 needs framing = "line"\n'
            'with "message" each connection carries one request'
        ),
    ),
    "more threads than clients": (
        ("[load]", "[load]\nclients = 2\nthreads = 3"),
        (
            "e.toml:7:11: threads 3 is above clients 2: some would have nothing to do\n"
            "give at most one thread per client"
        ),
    ),
    "switch interval without Python": (
        ('["py-sync", "py-mt"]\n[server]', '"c-mt"\n[server]\nswitch_interval = "1ms"'),
        "e.toml:5:1: switch_interval applies to none of these cells\nit is for servers in Python",
    ),
    "process with keys of fibload": (
        ("[load]", '[load]\nkind = "process"\nduration = "1s"'),
        (
            "e.toml:7:1: duration applies to none of these cells\n"
            'kind = "process" runs client_bench.sh, which knows clients and n only'
        ),
    ),
    "process with lines": (
        ("[server]\n[load]", '[server]\nframing = "line"\n[load]\nkind = "process"'),
        (
            'e.toml:7:8: kind "process" needs framing "message"\n'
            "client.py opens a connection for each request"
        ),
    ),
    "too many processes": (
        ("[load]", '[load]\nkind = "process"\nclients = 600'),
        (
            'e.toml:7:11: clients 600 is above 512, the most for kind "process"\n'
            "each client is a process of its own"
        ),
    ),
    "exclude that matches nothing": (
        ('title = "t"', 'title = "t"\nexclude = [{ n = 7 }]'),
        "e.toml:2:12: exclude { n = 7 } matches no cell\nn is 1",
    ),
    "exclude that is empty": (
        ('title = "t"', 'title = "t"\nexclude = [{}]'),
        "e.toml:2:12: exclude matches every cell: it is empty",
    ),
    "nothing left": (
        ('title = "t"', 'title = "t"\nexclude = [{ n = 1 }]'),
        "e.toml:3:3: no cell is left to measure\nexclude fewer cells",
    ),
    "too many cells": (
        ("[server]", f"n = {list(range(35))}\nclients = {list(range(1, 101))}\n[server]"),
        (
            "e.toml:2:3: the matrix makes 7000 cells; 5000 are allowed\n"
            "give fewer values, or split the file"
        ),
    ),
    "too many trials": (
        ("[server]", f"n = {list(range(10))}\n[plan]\nblocks = 9999\n[server]"),
        (
            "e.toml:6:10: 20 cells in 9999 blocks are 199980 trials\n"
            "100000 are allowed: give fewer blocks"
        ),
    ),
    # Servers of the user's own
    "command as one text": (
        ("[load]", OWN.replace('["./my_server", "--threads", "4", "{port}"]', '"./my {port}"')),
        (
            "e.toml:7:11: command must be a list of arguments, not one text; there is no shell\n"
            'write command = ["./my_server", "{port}"]'
        ),
    ),
    "command without the port": (
        ("[load]", OWN.replace('"{port}"', '"2999"')),
        (
            "e.toml:7:11: command lacks {port}\n"
            'the server must be told its port: command = ["./my_server", "{port}"]'
        ),
    ),
    "command with a NUL": (
        ("[load]", OWN.replace("threads", "\\u0000")),
        "e.toml:7:11: command contains a NUL character\nno program can be given one",
    ),
    "command missing": (
        ("[load]", "[backends.mine]"),
        (
            "e.toml:5:11: command is missing in [backends.mine]\n"
            'add command = ["./my_server", "{port}"]'
        ),
    ),
    "name of ours": (
        ("[load]", OWN.replace("mine", "py-mt")),
        'e.toml:6:11: backend "py-mt" is one of fibench\'s own\ngive your server another name',
    ),
    "own server under an impossible name": (
        ("[load]", OWN.replace("mine", '"../mine"')),
        (
            'e.toml:6:11: backend "../mine" is not allowed as a name\n'
            "allowed: 1 to 64 of a-z, 0-9, '.', '_', '-'"
        ),
    ),
    "own server that keeps no core busy": (
        ("[load]", OWN + "cores = 0"),
        (
            'e.toml:8:9: cores must be "any", "workers" or the number of cores that it can keep '
            "busy\n"
            "write cores = 1"
        ),
    ),
    "own server that serves none": (
        ("[load]", OWN + "serves = 0"),
        'e.toml:8:10: serves must be "any", "workers" or the number of connections served at once',
    ),
    "framing that an own server does not speak": (
        ('"py-mt"]\n[server]', '"mine"]' + OWN + '[server]\nframing = "line"'),
        'e.toml:3:23: mine does not speak framing "line"\nit speaks message',
    ),
    # What is not TOML
    "unquoted text": (
        ('["py-sync", "py-mt"]', "py-mt"),
        'e.toml:3:11: not TOML: invalid value\ntext needs quotes: backend = "py-mt"',
    ),
    "key twice": (
        ('title = "t"', 'title = "t"\ntitle = "u"'),
        "e.toml:2:12: not TOML: cannot overwrite a value\na key is given twice: keep one of them",
    ),
    "list without an end": (
        ('"py-mt"]\n[server]\n[load]\n', '"py-mt"'),
        "e.toml:3:30: not TOML: unclosed array\na list ends with ]",
    ),
}
