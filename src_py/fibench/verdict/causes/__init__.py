# SPDX-License-Identifier: BSD-3-Clause
"""Whether the causes that claims state were seen."""
