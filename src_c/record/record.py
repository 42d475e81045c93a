# SPDX-License-Identifier: BSD-3-Clause
"""Prints the record of a build as JSON, from words of Meson.

`a.b=text` is a member of an object (`true` and `false` are booleans, an empty text is null),
`a.b[]` an empty list, and each `a.b[]=text` one more item of it.
"""

import json
import sys

LISTED = "[]"


def record(words):
    """The document that the words describe."""
    document = {}
    for word in words:
        path, given, text = word.partition("=")
        *rooms, name = path.split(".")
        room = document
        for key in rooms:
            room = room.setdefault(key, {})
        if not name.endswith(LISTED):
            room[name] = {"true": True, "false": False, "": None}.get(text, text)
            continue
        items = room.setdefault(name[: -len(LISTED)], [])
        if given:
            items.append(text)
    return document


def all_flags(compiler):
    """What every file is compiled with, in order: for options, the project's, and one's own."""
    options = compiler["options"]
    flags = ["-std=" + options["c_std"]]
    if options["optimization"] != "plain":
        flags.append("-O" + options["optimization"])
    if options["debug"]:
        flags.append("-g")
    if options["b_lto"]:
        flags.append("-flto")
    sanitizers = [name for name in options["b_sanitize"] if name != "none"]
    if sanitizers:
        flags.append("-fsanitize=" + ",".join(sanitizers))
    return [*flags, *compiler["flags"], *options["c_args"]]


def main():
    """Print the record."""
    document = record(sys.argv[1:])
    compiler = document["compiler"]
    compiler["flags"] = all_flags(compiler)
    json.dump(document, sys.stdout, indent=2, sort_keys=True)
    print()


if __name__ == "__main__":
    main()
