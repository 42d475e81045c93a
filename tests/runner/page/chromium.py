# SPDX-License-Identifier: BSD-3-Clause
"""A browser that tests look at pages with: Debian's chromium, driven by its own protocol over a
pair of pipes (--remote-debugging-pipe), so that nothing but the browser is needed."""

import base64
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.here import PATIENCE_S, program
from tests.processes import ending

Document = dict[str, Any]
_LAUNCH = (
    "import os, sys; reads, writes = int(sys.argv[1]), int(sys.argv[2]); os.dup2(reads, 3); "
    "os.dup2(writes, 4); os.execv(sys.argv[3], sys.argv[3:])"
)
"""The browser reads commands from descriptor 3, and answers to 4."""


_HAS_FOCUS = (
    "new Promise(done => document.hasFocus() ? done(0) : "
    "addEventListener('focus', () => done(0), {once: true}))"
)
"""Until a page has the focus, nothing in it is told that it has."""


class Browser:
    """A browser without a window."""

    def __init__(self, process: "subprocess.Popen[bytes]", writes: int, reads: int) -> None:
        self._process, self._writes, self._reads = process, writes, reads
        self._rest, self._number = b"", 0
        self._tab: Tab | None = None
        self.events: list[Document] = []

    def call(self, method: str, session: str = "", **parameters: Any) -> Document:
        """What the browser answers to a command; what happens meanwhile is kept in `events`."""
        self._number += 1
        number = self._number
        asked: Document = {"id": number, "method": method, "params": parameters}
        os.write(self._writes, json.dumps(asked | ({"sessionId": session} if session else {}))
                 .encode() + b"\0")  # fmt: skip
        while True:
            said = self._read()
            if said.get("id") == number:
                assert "error" not in said, f"{method}: {said.get('error')}"
                result: Document = said["result"]
                return result
            self.events.append(said)

    def wait_for(self, method: str, session: str) -> None:
        """Read on until that has happened in a page."""
        while not any(
            one.get("method") == method and one.get("sessionId") == session for one in self.events
        ):
            self.events.append(self._read())

    def tab(self) -> "Tab":
        """The one tab that there is: each has a process of its own, whose start costs more than to
        load a page."""
        if self._tab is None:
            target = str(self.call("Target.createTarget", url="about:blank")["targetId"])
            attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
            self._tab = Tab(self, str(attached["sessionId"]))
            for domain in ("Page", "Runtime", "Log", "Network"):
                self._tab.call(f"{domain}.enable")
            # Or what gets the focus is told so only once the browser has given it to the window.
            self._tab.call("Emulation.setFocusEmulationEnabled", enabled=True)
        return self._tab

    def _read(self) -> Document:
        ends = time.monotonic() + PATIENCE_S
        while b"\0" not in self._rest:
            left = ends - time.monotonic()
            ready, _, _ = select.select([self._reads], [], [], max(left, 0.0))
            assert ready, "the browser says nothing any more"
            data = os.read(self._reads, 1 << 16)
            assert data, "the browser has ended"
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\0")
        said: Document = json.loads(line)
        return said


@dataclass
class Tab:
    """A page that is open."""

    browser: Browser
    session: str

    def call(self, method: str, **parameters: Any) -> Document:
        return self.browser.call(method, self.session, **parameters)

    def evaluate(self, code: str) -> Any:
        """What an expression of JavaScript gives; a promise is awaited."""
        found = self.call(
            "Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def load(self, url: str) -> None:
        """Leave what is open for another page, and wait until that is loaded."""
        self.browser.events.clear()
        self.call("Page.navigate", url=url)
        self.browser.wait_for("Page.loadEventFired", self.session)

    def look(self, look: "Look") -> None:
        """Be looked at so from now on; what is open is laid out anew, and not loaded again."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=look.width, height=900, deviceScaleFactor=1, mobile=look.width < 600,
        )  # fmt: skip
        features = [
            {"name": "prefers-color-scheme", "value": look.scheme},
            {"name": "prefers-reduced-motion", "value": look.motion},
        ]
        self.call("Emulation.setEmulatedMedia", media=look.media, features=features)
        self.call("Emulation.setScriptExecutionDisabled", value=not look.scripts)

    def press(self, key: str) -> None:
        """A key goes down and up."""
        code = {"Enter": 13, "Tab": 9, "ArrowRight": 39, " ": 32}[key]
        text = {"Enter": "\r", " ": " "}.get(key, "")
        known = {"key": key, "code": "Space" if key == " " else key, "windowsVirtualKeyCode": code}
        down = {"type": "keyDown", "text": text} if text else {"type": "rawKeyDown"}
        self.call("Input.dispatchKeyEvent", **known, **down)
        self.call("Input.dispatchKeyEvent", **known, type="keyUp")

    @property
    def said(self) -> list[Document]:
        """What the page has told the console, errors too."""
        told = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
        return [one for one in self._own() if one.get("method") in told]

    @property
    def requests(self) -> list[str]:
        """The addresses that the page has asked for; what stands in itself is no request."""
        asked = [one for one in self._own() if one.get("method") == "Network.requestWillBeSent"]
        urls = [str(one["params"]["request"]["url"]) for one in asked]
        return [url for url in urls if not url.startswith("data:")]

    def _own(self) -> list[Document]:
        return [one for one in self.browser.events if one.get("sessionId") == self.session]


@dataclass
class Look:
    """How a page is looked at."""

    width: int = 1280
    scheme: str = "light"
    scripts: bool = True
    media: str = "screen"
    motion: str = "reduce"
    fragment: str = ""
    features: list[Document] = field(default_factory=list)


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser for as long as the block lasts, with a profile of its own that it forgets."""
    path = program("chromium")
    assert path is not None, "a test that looks at pages needs chromium"
    commands_out, commands_in = os.pipe()
    answers_out, answers_in = os.pipe()
    argv = [sys.executable, "-I", "-S", "-c", _LAUNCH, str(commands_out), str(answers_in), path]
    argv += [
        "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--incognito",
        "--no-first-run", "--disable-background-networking", "--disable-dev-shm-usage",
        "--hide-scrollbars",
    ]  # fmt: skip
    quiet = subprocess.DEVNULL
    with ending(
        subprocess.Popen(
            argv, stdin=quiet, stdout=quiet, stderr=quiet, pass_fds=(commands_out, answers_in)
        )
    ) as process:
        os.close(commands_out)
        os.close(answers_in)
        try:
            yield Browser(process, commands_in, answers_out)
        finally:
            os.close(commands_in)
            os.close(answers_out)


@contextmanager
def opened(shown: Browser, page: Path, look: Look) -> Iterator[Tab]:
    """A page, once it has been loaded, in the one tab of the browser."""
    tab = shown.tab()
    tab.look(look)
    tab.load(page.as_uri() + look.fragment)
    try:
        if look.scripts:
            tab.evaluate(_HAS_FOCUS)
        yield tab
    finally:
        tab.load("about:blank")
        shown.events.clear()


def picture(tab: Tab) -> bytes:
    """The page as PNG."""
    return base64.b64decode(tab.call("Page.captureScreenshot", format="png")["data"])


def check_it_is_alone_and_fits(tab: Tab, page: Path, looks: Mapping[str, Look]) -> None:
    """Open all that folds: a page asks for no other file, complains of nothing, and fits, however
    it is looked at."""
    root = "document.documentElement"
    for name, look in looks.items():
        tab.look(look)
        widths = tab.evaluate(f"[{root}.scrollWidth, {root}.clientWidth]")
        assert widths[0] <= widths[1], f"{name}: nobody has to scroll sideways"
    tab.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    for name, look in looks.items():
        tab.look(look)
        widths = tab.evaluate(f"[{root}.scrollWidth, {root}.clientWidth]")
        assert widths[0] <= widths[1], f"{name}, unfolded: nobody has to scroll sideways"
    assert tab.requests == [page.as_uri()]
    assert tab.said == []
