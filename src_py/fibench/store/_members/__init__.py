# SPDX-License-Identifier: BSD-3-Clause
"""What the members of a journal record must be to be used."""
