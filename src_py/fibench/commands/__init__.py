# SPDX-License-Identifier: BSD-3-Clause
"""What a person asks for: each command returns an exit status, or raises Refused.

May know every wing but `develop`; the only place of exit statuses (refused.py), and of what is
printed on the way. Nothing is imported here: `invoke --list` pays for no command.
"""
