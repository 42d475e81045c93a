# SPDX-License-Identifier: BSD-3-Clause
"""A search for rates, step by step, and an experiment with the rates that it found. Pure."""
