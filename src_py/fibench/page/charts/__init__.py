# SPDX-License-Identifier: BSD-3-Clause
"""The charts of a page as files of their own, which any program shows as the light page does."""
