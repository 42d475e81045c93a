# SPDX-License-Identifier: BSD-3-Clause
"""Loads of client groups, and a claim about one, that tests of experiments share."""

from tests.runner.experiments import SMALL

SLOW_AND_SMALL = """
[[load.group]]
name = "small"
clients = 7
n = 1
[[load.group]]
name = "slow"
clients = 1
n = 30
[[load.group]]
name = "idle"
clients = 10000
idle = true
"""
CLAIM = """
[[claim]]
says = "c"
value = { backend = "py-mt" }
group = "small"
metric = "p99"
below = "5ms"
"""
ONE = '[[load.group]]\nname = "a"\n'
EVERYTHING = SMALL.replace("[server]", 'n = [1, 2, 3]\n[server]\ncpus = "0-1"') + (
    'rate = "50/s"\nspin = true\ncpus = "2"\n'
    + SLOW_AND_SMALL.replace("n = 1\n", "")
    + CLAIM.replace('"py-mt"', '"py-mt", n = 2')
    + """
[[claim]]
says = "d"
crossover = { over = "n", of = [{ backend = "py-mt" }, { backend = "py-sync" }] }
group = "small"
metric = "p999"
within = [1.5, 2.5]
"""
)
