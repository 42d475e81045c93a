# SPDX-License-Identifier: BSD-3-Clause
"""Building, for a person: what was refused is said with the compiler's own words."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from fibench.build.meson import BuildError, built
from fibench.commands.refused import Refused
from fibench.folders import Places, find_places, origin, refusal_to_write
from fibench.wording import escaped


def build() -> int:
    """Compile and install."""
    places = find_places()
    if places.checkout is None:
        raise Refused("an installed fibench has its programs already", "there is nothing to build")
    with built_or_refused(places, "build", retry=True):
        pass
    print(f"installed in {escaped(os.path.relpath(places.programs, origin()))}")
    return 0


@contextmanager
def built_or_refused(places: Places, name: str, retry: bool = False) -> Iterator[None]:
    """Build what changed, and keep it so inside; `name` is for those who wait to change it.

    A failure shows the compiler's own words, then what and what to do. With `retry` a download that
    failed before is tried once more.
    """
    if places.checkout is not None:
        refuse_unwritable({"FIBENCH_BUILD": places.build})
    try:
        with built(places, name, retry=retry):
            yield
    except BuildError as error:
        raise refused_build(error) from error


def refused_build(error: BuildError) -> Refused:
    """Show the compiler's own words; the rest is for who called."""
    if error.output:
        print(error.output.rstrip(), file=sys.stderr)
    return Refused(str(error), error.hint)


def refuse_unwritable(folders: Mapping[str, Path]) -> None:
    """Refuse to begin what cannot be kept: all at once, each with the variable that moves it."""
    reasons = {name: refusal_to_write(folder) for name, folder in folders.items()}
    lines = [
        f"cannot {'write' if folders[name].is_dir() else 'make'} "
        + escaped(f"{folders[name]}: {reason}")
        for name, reason in reasons.items()
        if reason is not None
    ]
    if lines:
        places = " ".join(f"{name}=/some/where" for name, reason in reasons.items() if reason)
        raise Refused("\n".join(lines), f"name another place: {places}")
