# SPDX-License-Identifier: BSD-3-Clause
"""What only a checkout needs: tests, lint, benchmarks, generated pages, the schema and the reference.

May know every other wing. Nothing is imported here.
"""
