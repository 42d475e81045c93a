# SPDX-License-Identifier: BSD-3-Clause
"""What a cell could answer at most, by what one of its requests needs alone."""
