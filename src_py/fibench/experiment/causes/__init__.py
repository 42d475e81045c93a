# SPDX-License-Identifier: BSD-3-Clause
"""What a file states as the causes of its claims, by figures that a run can see."""
