# SPDX-License-Identifier: BSD-3-Clause
"""What helps a person at the command line before anything runs: names to choose from, and their
completion. Imported where it is asked for: it must not make other commands slower.
"""
