"""Drives a headless Chromium over the pipe of its DevTools protocol: no driver and no port is needed."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.terminal import PATIENCE, is_ready

PROGRAM = shutil.which("chromium") or ""

# Nothing of its own may reach for a network or remember anything.
_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    "--remote-debugging-pipe",
    "about:blank",
)


class Browser:
    """One page of one browser; what it asks for and complains about is noted."""

    def __init__(self, writes: int, reads: int) -> None:
        self._writes, self._reads = writes, reads
        self._rest = b""
        self._number = 0
        self.asked: list[str] = []  # the URLs of all requests
        self.complaints: list[str] = []  # errors and warnings of the console, and uncaught exceptions
        target = self._call("Target.createTarget", {"url": "about:blank"}, session="")["targetId"]
        attached = self._call("Target.attachToTarget", {"targetId": target, "flatten": True}, session="")
        self._session = attached["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """Call a method of the page; return its result."""
        return self._call(method, parameters, self._session)

    def open(self, url: str) -> None:
        """Go to a page; wait until it, or where it leads to by itself, has loaded."""
        self.call("Page.navigate", url=url)
        self.wait("document.readyState == 'complete'")

    def value(self, expression: str) -> Any:
        """Return what a JavaScript expression gives."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, f"{expression}: {result['exceptionDetails']}"
        return result["result"].get("value")

    def wait(self, expression: str) -> None:
        """Wait until a JavaScript expression is true, on whatever page there is then."""
        end = time.monotonic() + PATIENCE
        while True:
            with suppress(LookupError):  # between two pages there is none to ask
                if self.value(expression):
                    return
            assert time.monotonic() < end, f"{expression} did not become true at {self.value('location.href')}"
            time.sleep(0.05)

    def _call(self, method: str, parameters: dict[str, Any], session: str) -> dict[str, Any]:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._writes, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise LookupError(f"{method}: {answer['error']}")
                return answer["result"]
            self._note(answer)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            part = os.read(self._reads, 1 << 20) if is_ready(self._reads, PATIENCE) else b""
            assert part, "the browser ended or says nothing"
            self._rest += part
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)

    def _note(self, event: dict[str, Any]) -> None:
        parameters = event.get("params", {})
        match event.get("method"):
            case "Network.requestWillBeSent":
                self.asked.append(parameters["request"]["url"])
            case "Runtime.exceptionThrown":
                self.complaints.append(str(parameters["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if parameters["type"] in ("error", "warning"):
                self.complaints.append(str(parameters["args"]))
            case "Log.entryAdded" if parameters["entry"]["level"] in ("error", "warning"):
                self.complaints.append(str(parameters["entry"]))


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """Start a browser that keeps what it must keep in the folder `profile`, and end it."""
    to_browser, writes = os.pipe()
    reads, from_browser = os.pipe()

    def pass_on() -> None:  # as 3 and 4, where Chromium looks for them; first out of each other's way
        ends = [os.dup2(end, number) for end, number in ((to_browser, 203), (from_browser, 204))]
        for end, number in zip(ends, (3, 4), strict=True):
            os.dup2(end, number)

    command = [PROGRAM, *_OPTIONS, f"--user-data-dir={profile}"]
    with (profile.parent / "browser.log").open("wb") as log:
        process = subprocess.Popen(command, preexec_fn=pass_on, pass_fds=(3, 4), stdout=log, stderr=log)
    os.close(to_browser)
    os.close(from_browser)
    try:
        yield Browser(writes, reads)
    finally:
        os.close(writes)
        os.close(reads)
        process.terminate()
        process.wait(PATIENCE)
