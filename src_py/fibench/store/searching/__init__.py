# SPDX-License-Identifier: BSD-3-Clause
"""What the trials of a search have shown, as a run makes them and as a journal is read again."""
