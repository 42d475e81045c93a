# SPDX-License-Identifier: BSD-3-Clause
"""What a command says when it cannot do what it was asked."""

NOT_STARTED = 1
WRONG_INPUT = 2


class Refused(Exception):
    """A command cannot do what it was asked; the text is one line of what, one of what to do."""

    def __init__(self, what: str, hint: str = "", status: int = NOT_STARTED) -> None:
        super().__init__(f"{what}\n{hint}" if hint else what)
        self.status = status
