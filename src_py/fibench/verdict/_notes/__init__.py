# SPDX-License-Identifier: BSD-3-Clause
"""What a run has to say beside figures and verdicts: of its cells, and of its servers."""
