# SPDX-License-Identifier: BSD-3-Clause
"""How the C programs are built, and what is known of a build afterwards.

May know `machine`, and the ground. What is known afterwards is handed on here; what builds is taken
from its own module (meson.py, lock.py, premises.py), so that who builds nothing pays nothing.
"""

from fibench.build.record import RECORD, compiler, libraries, not_own, read_build, why_without

__all__ = ["RECORD", "compiler", "libraries", "not_own", "read_build", "why_without"]
