# SPDX-License-Identifier: BSD-3-Clause
"""What those ask for who judge a run without looking at it: graders, and services that build."""
