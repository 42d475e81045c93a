# SPDX-License-Identifier: BSD-3-Clause
"""How the C programs are built, and what is known of a build afterwards.

May know the ground alone. Nothing is imported here: a command that builds nothing pays nothing.
"""
