# SPDX-License-Identifier: BSD-3-Clause
"""Requests of the file in a trial: what is asked before the load, and what a wrong reply tells."""
