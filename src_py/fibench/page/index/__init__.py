# SPDX-License-Identifier: BSD-3-Clause
"""The index over runs: a class, or a history, as one picture for each claim, and a table."""
