# SPDX-License-Identifier: BSD-3-Clause
"""From [[matrix]] to cells: every combination, what is left out, and what tells cells apart."""
