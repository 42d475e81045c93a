# SPDX-License-Identifier: BSD-3-Clause
"""The cards of claims: a sentence, and a picture of the interval beside the bound."""
