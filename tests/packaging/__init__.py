# SPDX-License-Identifier: BSD-3-Clause
"""Tests of what brings fibench to a machine: ./dev, the locks, the wheel, the flake."""
