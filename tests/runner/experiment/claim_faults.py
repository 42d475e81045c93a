# SPDX-License-Identifier: BSD-3-Clause
"""Faults of a claim: what is changed in SMALL, and what is said."""

from tests.runner.experiments import CLAIM, RATIO

DIAGNOSTICS = {
    "claim with an axis left free": (
        ("[server]\n[load]\n", "n = [1, 2]" + CLAIM),
        (
            'e.toml:7:9: { backend = "py-mt" } selects 2 cells; left free: n (1, 2)\n'
            "add n to this side, or to where"
        ),
    ),
    "claim about a value that is not there": (
        ("[load]", "[load]" + CLAIM + "where = { n = 7 }"),
        'e.toml:11:15: no cell has { backend = "py-mt", n = 7 }\nn is 1',
    ),
    "claim about a backend that is not there": (
        ("[load]", "[load]" + CLAIM.replace("py-mt", "c-mt")),
        (
            'e.toml:8:21: no cell has { backend = "c-mt" }\n'
            'did you mean "py-mt"? backend is py-sync or py-mt'
        ),
    ),
    "claim about values that do not meet": (
        (
            "[server]\n[load]\n",
            'n = 1\n[[matrix]]\nbackend = "c-mt"\nn = 2'
            + CLAIM.replace('"py-mt"', '"c-mt", n = 1'),
        ),
        'e.toml:10:9: no cell has { backend = "c-mt", n = 1 }\nwith { backend = "c-mt" }, n is 2',
    ),
    "claim that compares a cell with itself": (
        ("[load]", "[load]" + RATIO.replace("py-sync", "py-mt")),
        "e.toml:8:9: both sides are the same cell: py-mt\na ratio compares two cells",
    ),
    "key in where and in a side": (
        ("[load]", "[load]" + CLAIM + 'where = { backend = "py-mt" }'),
        "e.toml:8:21: backend stands in `where` and in this side\nkeep one of them",
    ),
    "claim without a bound": (
        ("[load]", "[load]" + CLAIM.replace("below = 1.1", "")),
        (
            "e.toml:6:3: the claim has no bound\n"
            "give one of above = 1.3, below = 1.1, within = [0.95, 1.05]"
        ),
    ),
    "claim with two bounds": (
        ("[load]", "[load]" + CLAIM + "above = 1.0"),
        (
            "e.toml:10:1: above and below are both given\n"
            "give one of above = 1.3, below = 1.1, within = [0.95, 1.05]"
        ),
    ),
    "claim without a side": (
        ("[load]", "[load]" + CLAIM.replace('value = { backend = "py-mt" }', "")),
        (
            "e.toml:6:3: the claim has none of ratio, value, crossover and sustains\n"
            'write ratio = [{ backend = "py-mp" }, { backend = "py-mt" }] or '
            'value = { backend = "py-mt" }'
        ),
    ),
    "claim with ratio and value": (
        ("[load]", "[load]" + RATIO + 'value = { backend = "py-mt" }'),
        (
            "e.toml:11:1: ratio and value are both given\n"
            'write ratio = [{ backend = "py-mp" }, { backend = "py-mt" }] or '
            'value = { backend = "py-mt" }'
        ),
    ),
    "ratio of one": (
        ("[load]", "[load]" + RATIO.replace(', { backend = "py-sync" }', "")),
        (
            "e.toml:8:9: ratio must be a list of two: [A, B]\n"
            'write ratio = [{ backend = "py-mp" }, { backend = "py-mt" }]'
        ),
    ),
    "ratio of two texts": (
        (
            "[load]",
            "[load]"
            + RATIO.replace('{ backend = "py-mt" }', '"py-mt"').replace(
                '{ backend = "py-sync" }', '"py-sync"'
            ),
        ),
        (
            "e.toml:8:10: ratio must be a table, not text\n"
            'write ratio = [{ backend = "py-mt" }, { backend = "py-sync" }]'
        ),
    ),
    "value that is a text": (
        ("[load]", "[load]" + CLAIM.replace('{ backend = "py-mt" }', '"py-mt"')),
        ('e.toml:8:9: value must be a table, not text\nwrite value = { backend = "py-mt" }'),
    ),
    "where that is a text": (
        ("[load]", "[load]" + CLAIM + 'where = "n = 7"'),
        "e.toml:11:9: where must be a table, not text\nwrite where = { clients = 8 }",
    ),
    "percentage of a ratio": (
        ("[load]", "[load]" + RATIO.replace("1.3", '"10%"')),
        (
            'e.toml:10:9: above of a ratio is a number without unit, not "10%"\n'
            "a ratio is a factor: 10 % more is above = 1.1, 10 % less is below = 0.9"
        ),
    ),
    "metric by another name": (
        ("[load]", "[load]" + CLAIM.replace("cores", "rps")),
        'e.toml:9:10: metric "rps" is unknown\ndid you mean "throughput"?',
    ),
    "metric that may be two": (
        ("[load]", "[load]" + CLAIM.replace("cores", "Latency")),
        'e.toml:9:10: metric "Latency" is unknown\ndid you mean "p50" or "p99"?',
    ),
    "time in a text without a unit": (
        ("[load]", "[load]" + CLAIM.replace("cores", "p99").replace("1.1", '"20"')),
        (
            'e.toml:10:9: below "20" is no measure of p99\n'
            'write for example below = "20ms"; units: ns, us, µs, μs, ms, s, min, h'
        ),
    ),
    "empty range": (
        ("[load]", "[load]" + CLAIM.replace("below = 1.1", "within = [2, 1]")),
        "e.toml:10:10: within is empty: its first number is not below its second",
    ),
    "time without a unit": (
        ("[load]", "[load]" + CLAIM.replace("cores", "p99")),
        'e.toml:10:9: below needs a unit, since p99 has one\nwrite for example below = "1.1ms"',
    ),
    "size for a time": (
        ("[load]", "[load]" + CLAIM.replace("cores", "p99").replace("1.1", '"5MiB"')),
        'e.toml:10:9: below "5MiB" is no measure of p99\nunits: ns, us, µs, μs, ms, s, min, h',
    ),
    "unit where there is none": (
        ("[load]", "[load]" + CLAIM.replace("1.1", '"5ms"')),
        'e.toml:10:9: below of cores is a number without unit, not "5ms"\nwrite below = 1.1',
    ),
    "percentage of a share": (
        ("[load]", "[load]" + CLAIM.replace("cores", "running").replace("1.1", '"60 %"')),
        (
            'e.toml:10:9: below of running is a number without unit, not "60 %"\n'
            "a share is a number from 0 to 1: 0.6"
        ),
    ),
    "percentage of a share without its sign": (
        ("[load]", "[load]" + CLAIM.replace("cores", "ready").replace("1.1", "7.5")),
        (
            "e.toml:10:9: below 7.5 is no bound: ready is a share, from 0 to 1\n"
            "a share is a number from 0 to 1: 0.075"
        ),
    ),
    "share with a unit": (
        ("[load]", "[load]" + CLAIM.replace("cores", "running").replace("1.1", '"5ms"')),
        'e.toml:10:9: below of running is a number without unit, not "5ms"\nwrite below = 0.6',
    ),
    "unit of a ratio": (
        ("[load]", "[load]" + RATIO.replace("1.3", '"5ms"')),
        'e.toml:10:9: above of a ratio is a number without unit, not "5ms"\nwrite above = 1.3',
    ),
    "ratio bound of zero": (
        ("[load]", "[load]" + RATIO.replace("1.3", "0")),
        "e.toml:10:9: above 0 is no bound: it must be above 0",
    ),
    "bound that is no number": (
        ("[load]", "[load]" + RATIO.replace("1.3", "nan")),
        "e.toml:10:9: above nan is no bound: it must be above 0",
    ),
    "bound that is a truth": (
        ("[load]", "[load]" + RATIO.replace("1.3", "true")),
        "e.toml:10:9: above must be a number, or text with a unit, not true or false",
    ),
    "two claims of one name": (
        ("[load]", "[load]" + CLAIM + CLAIM),
        (
            'e.toml:13:8: another claim has the id "c" too\n'
            'give each claim an id of its own: id = "..."'
        ),
    ),
    "latency of a process": (
        (
            "[load]",
            '[load]\nkind = "process"' + CLAIM.replace("cores", "p99").replace("1.1", '"1s"'),
        ),
        (
            'e.toml:10:10: kind "process" has no p99\n'
            "it has wall, throughput, cores, cpu_per_request, running, ready, run_delay_per_request"
        ),
    ),
    "wall time of a fixed duration": (
        ("[load]", "[load]" + CLAIM.replace("cores", "wall").replace("1.1", '"1s"')),
        (
            "e.toml:9:10: wall says nothing of py-mt: its load lasts as long as the file says\n"
            "give requests instead of a duration, or use throughput"
        ),
    ),
}
