# SPDX-License-Identifier: BSD-3-Clause
"""Why a claim has no clear verdict, and what would settle it."""
