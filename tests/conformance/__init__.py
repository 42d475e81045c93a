# SPDX-License-Identifier: BSD-3-Clause
"""Every backend, and any server a user brings, held to the same wire protocol and manners."""
