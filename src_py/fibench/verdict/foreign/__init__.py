# SPDX-License-Identifier: BSD-3-Clause
"""What others on the machine may have taken from a run's figures, and how that is told."""
