# SPDX-License-Identifier: BSD-3-Clause
"""What it means for claims that trials failed, were disturbed, or were made more than once."""
