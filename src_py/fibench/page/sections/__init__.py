# SPDX-License-Identifier: BSD-3-Clause
"""The sections of a page, in its order: each a function of the view that gives what is shown."""
