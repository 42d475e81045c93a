# SPDX-License-Identifier: BSD-3-Clause
"""What a run shows while it is measured: a view on a terminal, a line for each trial elsewhere."""

from fibench.report.live.showing import showing_progress

__all__ = ["showing_progress"]
