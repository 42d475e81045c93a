# SPDX-License-Identifier: BSD-3-Clause
"""Benchmarks, `invoke bench`: what fibench promises of its own speed and of its figures, measured.

Nothing here is a test: a figure beyond its bound is printed beside it, since a busy machine is no
defect.
"""
