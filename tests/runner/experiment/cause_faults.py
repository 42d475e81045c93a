# SPDX-License-Identifier: BSD-3-Clause
"""Faulty causes, each in line 11 of SMALL with a claim, and what is said of them."""

EXAMPLE = 'cause = { of = { backend = "py-mt" }, metric = "waiting_for_gil", above = 0.6 }'
HINT = f"write cause = [{EXAMPLE.removeprefix('cause = ')}]"
LONG = ", ".join([EXAMPLE.removeprefix("cause = ")] * 9)
FAULTS = {
    "text": (
        'cause = "the GIL"',
        f"e.toml:11:9: cause must be a table, or a list of them, not text\n{HINT}",
    ),
    "no cause": (
        "cause = []",
        f"e.toml:11:9: cause must be a table, or a list of them, not an empty list\n{HINT}",
    ),
    "element that is text": (
        'cause = ["the GIL"]',
        f"e.toml:11:10: cause must be a table, not text\n{HINT}",
    ),
    "too many": (f"cause = [{LONG}]", "e.toml:11:9: cause has 9 tables; 8 are allowed"),
    "unknown key": (
        EXAMPLE.replace("metric =", "metrik ="),
        'e.toml:11:39: unknown key "metrik" in cause\ndid you mean "metric"?',
    ),
    "key of another table": (
        EXAMPLE.replace("above = 0.6", "within = [0.1, 0.2], above = 0.6"),
        (
            'e.toml:11:67: unknown key "within" in cause\n'
            "a cause has of, a metric, and a bound: above or below"
        ),
    ),
    "side without of": (
        'cause = { of = {}, backend = "py-mt", metric = "running", above = 0.6 }',
        (
            'e.toml:11:20: unknown key "backend" in cause\n'
            "a cause has of, a metric, and a bound: above or below"
        ),
    ),
    "no cell": (
        'cause = { metric = "waiting_for_gil", above = 0.6 }',
        'e.toml:11:9: of is missing in cause\nadd of = { backend = "py-mt" }',
    ),
    "cell that is text": (
        EXAMPLE.replace('{ backend = "py-mt" }', '"py-mt"'),
        'e.toml:11:16: of must be a table, not text\nwrite of = { backend = "py-mt" }',
    ),
    "no metric": (
        EXAMPLE.replace('metric = "waiting_for_gil", ', ""),
        'e.toml:11:9: metric is missing in cause\nadd metric = "waiting_for_gil"',
    ),
    "unknown metric": (
        EXAMPLE.replace("waiting_for_gil", "gil"),
        'e.toml:11:48: metric "gil" is unknown\ndid you mean "waiting_for_gil"?',
    ),
    "unknown backend": (
        EXAMPLE.replace("py-mt", "py-mtt"),
        'e.toml:11:28: unknown backend "py-mtt"\ndid you mean "py-mt"?',
    ),
    "cell that is not there": (
        EXAMPLE.replace("py-mt", "c-mt"),
        (
            'e.toml:11:28: no cell has { backend = "c-mt" }\n'
            'did you mean "py-mt"? backend is py-sync or py-mt'
        ),
    ),
    "several cells": (
        EXAMPLE.replace('{ backend = "py-mt" }', "{ }"),
        (
            "e.toml:11:16: {  } selects 2 cells; left free: backend (py-sync, py-mt)\n"
            "add backend to this side, or to where"
        ),
    ),
    "no bound": (
        EXAMPLE.replace(", above = 0.6", ""),
        "e.toml:11:1: the cause has no bound\ngive one of above = 0.6, below = 0.05",
    ),
    "two bounds": (
        EXAMPLE.replace("0.6", "0.6, below = 0.9"),
        "e.toml:11:80: above and below are both given\ngive one of above = 0.6, below = 0.05",
    ),
    "per cent": (
        EXAMPLE.replace("0.6", '"60 %"'),
        (
            'e.toml:11:75: above of waiting_for_gil is a number without unit, not "60 %"\n'
            "a share is a number from 0 to 1: 0.6"
        ),
    ),
    "a share above all": (
        EXAMPLE.replace("0.6", "60"),
        (
            "e.toml:11:75: above 60 is no bound: waiting_for_gil is a share, from 0 to 1\n"
            "a share is a number from 0 to 1: 0.6"
        ),
    ),
    "less than nothing": (
        EXAMPLE.replace("above = 0.6", "below = 0"),
        "e.toml:11:75: below 0 is no bound: it must be above 0",
    ),
    "time without a unit": (
        EXAMPLE.replace("waiting_for_gil", "cpu_per_request"),
        (
            "e.toml:11:75: above needs a unit, since cpu_per_request has one\n"
            'write for example above = "0.6ms"'
        ),
    ),
    "unit of another metric": (
        EXAMPLE.replace("waiting_for_gil", "cpu_per_request").replace("0.6", '"5MiB"'),
        (
            'e.toml:11:75: above "5MiB" is no measure of cpu_per_request\n'
            "units: ns, us, µs, μs, ms, s, min, h"
        ),
    ),
    "wall of a fixed duration": (
        EXAMPLE.replace("waiting_for_gil", "wall").replace("0.6", '"1s"'),
        (
            "e.toml:11:48: wall says nothing of py-mt: its load lasts as long as the file says\n"
            "give requests instead of a duration, or use throughput"
        ),
    ),
}
