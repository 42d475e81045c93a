# SPDX-License-Identifier: BSD-3-Clause
"""What is generated in docs/designs: system calls per request, and what differs between sources.

`python -m fibench.develop.pages` writes it into the pages, between markers; the rest is written by
hand.
"""
