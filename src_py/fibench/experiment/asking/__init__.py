# SPDX-License-Identifier: BSD-3-Clause
"""What the clients of a cell ask for: the requests of the file, and each client group's share."""
