# SPDX-License-Identifier: BSD-3-Clause
"""`watch`: what the threads of a server do under a load, drawn in the terminal."""
