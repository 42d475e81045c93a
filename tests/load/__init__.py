# SPDX-License-Identifier: BSD-3-Clause
"""fibload against servers that behave, and against servers that do not."""
