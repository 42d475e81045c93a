# SPDX-License-Identifier: BSD-3-Clause
"""From journal records to what the statistics take."""
