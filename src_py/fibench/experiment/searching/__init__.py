# SPDX-License-Identifier: BSD-3-Clause
"""Rates that a run looks for: cells that stand in for them, and the cells that it finds."""
