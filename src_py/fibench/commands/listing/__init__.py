# SPDX-License-Identifier: BSD-3-Clause
"""What `runs` does, as a table and as a page to look at, and `interpreters`."""
