# SPDX-License-Identifier: BSD-3-Clause
"""A run within one file: what a page carries, and how it is read back."""
