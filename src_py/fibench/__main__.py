# SPDX-License-Identifier: BSD-3-Clause
"""`fibench`, and `python -m fibench`."""

from fibench import interruption


def main() -> None:
    """Run a command; a signal is answered from here on, before anything that takes time."""
    interruption.end_at_once()
    from fibench import tasks
    from fibench.places import find_places

    tasks.main(of_a_checkout=find_places().checkout is not None)


if __name__ == "__main__":
    main()
