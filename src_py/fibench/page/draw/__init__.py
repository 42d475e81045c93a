# SPDX-License-Identifier: BSD-3-Clause
"""Marks, scales and labels of charts: they know nothing of runs."""
