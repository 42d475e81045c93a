# SPDX-License-Identifier: BSD-3-Clause
"""What is decided after each block of a run, and what need not be measured on."""
