# SPDX-License-Identifier: BSD-3-Clause
"""Two runs beside each other: ratios with intervals, and what else differs."""
