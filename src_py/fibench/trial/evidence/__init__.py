# SPDX-License-Identifier: BSD-3-Clause
"""What shows, from inside of a trial's window, that something else had the machine meanwhile."""
