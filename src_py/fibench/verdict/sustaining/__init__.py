# SPDX-License-Identifier: BSD-3-Clause
"""The highest rate at which a latency stays below a limit: where it lies, and what that decides."""
