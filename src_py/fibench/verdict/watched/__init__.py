# SPDX-License-Identifier: BSD-3-Clause
"""Figures of servers that were watched once: what one trial, in slices, says of itself."""
