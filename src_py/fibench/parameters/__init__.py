# SPDX-License-Identifier: BSD-3-Clause
"""What a trial can be asked for, typed: the one table of keys, and a cell's parameters.

Pure, and quick to import: the command line takes its options from it. May know the ground alone.
"""

from fibench.parameters.blocks import EARLIER_FEWEST, FEWEST_BLOCKS, Blocks, kept_blocks
from fibench.parameters.cpu_list import ALL, parse_cpus, written_cpus
from fibench.parameters.drawn import LONGEST_MADE_AS, drawn_seed, read_name
from fibench.parameters.groups import Group, described
from fibench.parameters.keys import PLAN_KEYS, Key, Repetitions, kept_seed, kept_timelines
from fibench.parameters.kinds import NAME, NAME_RULE, Fault, Kind, Scalar
from fibench.parameters.named import (
    AXES,
    GROUP_KEYS,
    REPLACED,
    arguments,
    default_text,
    in_file,
    of_cell,
    of_check,
    of_load,
    option_flag,
    options,
    parameter,
    server_option,
    shown_value,
)
from fibench.parameters.of_server import FRAMING, FRAMINGS, UNIT_N, WORK_KINDS, Framing
from fibench.parameters.parameters import KEYS, Parameters, Value

__all__ = [
    "ALL",
    "AXES",
    "EARLIER_FEWEST",
    "FEWEST_BLOCKS",
    "FRAMING",
    "FRAMINGS",
    "GROUP_KEYS",
    "KEYS",
    "LONGEST_MADE_AS",
    "NAME",
    "NAME_RULE",
    "PLAN_KEYS",
    "REPLACED",
    "UNIT_N",
    "WORK_KINDS",
    "Blocks",
    "Fault",
    "Framing",
    "Group",
    "Key",
    "Kind",
    "Parameters",
    "Repetitions",
    "Scalar",
    "Value",
    "arguments",
    "default_text",
    "described",
    "drawn_seed",
    "in_file",
    "kept_blocks",
    "kept_seed",
    "kept_timelines",
    "of_cell",
    "of_check",
    "of_load",
    "option_flag",
    "options",
    "parameter",
    "parse_cpus",
    "read_name",
    "server_option",
    "shown_value",
    "written_cpus",
]
