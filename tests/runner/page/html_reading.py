# SPDX-License-Identifier: BSD-3-Clause
"""Pages read back: their elements, as a browser would see them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = ("meta", "link", "br", "input", "col", "img", "hr")


@dataclass
class Node:
    """An element, with what is in it."""

    tag: str
    attributes: dict[str, str]
    children: "list[Node | str]" = field(default_factory=list)

    def every(self, tag: str = "", class_: str = "") -> "list[Node]":
        """The elements below that are of a kind, in their order."""
        found = []
        for child in self.children:
            if isinstance(child, Node):
                is_it = tag in ("", child.tag)
                if is_it and (not class_ or class_ in child.attributes.get("class", "").split()):
                    found.append(child)
                found += child.every(tag, class_)
        return found

    def by_id(self, name: str) -> "Node":
        (found,) = (node for node in self.every() if node.attributes.get("id") == name)
        return found

    @property
    def text(self) -> str:
        """All the words in it."""
        return "".join(child if isinstance(child, str) else child.text for child in self.children)


class _Reader(HTMLParser):
    """Builds the tree, and is strict: what is opened is closed, in order."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Node("", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"{tag} has an attribute twice: {names}"
        node = Node(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> ends <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def read_page_text(text: str) -> Node:
    """A page, which must be well-formed."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == [reader.root], f"not closed: {reader.open[-1].tag}"
    return reader.root
