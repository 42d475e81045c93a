# SPDX-License-Identifier: BSD-3-Clause
"""fibench: a declarative experiment runner for server concurrency designs."""

__version__ = "0.1.0"
