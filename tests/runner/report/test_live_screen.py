# SPDX-License-Identifier: BSD-3-Clause
"""The terminal that the view of a run is drawn on, as the kernel has it."""

import os
import pty
import select

from rich.text import Text

from fibench.report.live.screen import Screen

MORE_THAN_IS_TAKEN = 70
"""Lines of which a terminal holds 4 KiB ready, and keeps the rest behind: that is thrown away."""


def read_all(hand: int) -> bytes:
    """What was written to a terminal, and is still there."""
    read = b""
    while select.select([hand], [], [], 0)[0]:
        read += os.read(hand, 65536)
    return read


def test_a_terminal_breaks_lines_again_although_a_ctrl_c_has_thrown_the_pictures_end_away() -> None:
    hand, place = pty.openpty()
    with os.fdopen(place, "w") as stream:
        screen = Screen(stream)
        screen.draw([Text("-" * 70)] * MORE_THAN_IS_TAKEN, 80)
        os.write(hand, b"\x03")
        drawn = read_all(hand)
        assert b"\x1b[?7l" in drawn
        assert b"\x1b[?7h" not in drawn
        screen.lift("what stays")
        begun, _, rest = read_all(hand).partition(b"\x1b[?7h")
        assert b"what stays" in rest
        assert b"what stays" not in begun
    os.close(hand)
