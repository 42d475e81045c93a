# SPDX-License-Identifier: BSD-3-Clause
"""What is generated in docs/designs: pictures of who waits where, system calls per request, what
differs between sources.

`python -m fibench.develop.pages` writes it into the pages, between markers; the rest is written by
hand.
"""
