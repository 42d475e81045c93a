# SPDX-License-Identifier: BSD-3-Clause
"""Who waits where, for people: what the threads of a server did, in words and as rows of signs."""
