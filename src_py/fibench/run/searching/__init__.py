# SPDX-License-Identifier: BSD-3-Clause
"""A run looks for its rates before it measures, or takes up a search that it has begun."""
