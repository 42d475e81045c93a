# SPDX-License-Identifier: BSD-3-Clause
"""Who runs an experiment says before it what they expect of its claims."""
