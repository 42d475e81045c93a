# SPDX-License-Identifier: BSD-3-Clause
"""Trials that are not timed: what they look at would slow a server down, or show in its times."""
