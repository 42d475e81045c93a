# SPDX-License-Identifier: BSD-3-Clause
"""What only a checkout needs: tests, lint, benchmarks, generated pages, schema and reference.

May know every other wing. Nothing is imported here.
"""
