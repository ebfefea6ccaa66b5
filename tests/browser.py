"""Headless Chromium, driven over a pipe: opens a page, listens to it, looks at what it drew."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
"""Path of the program, or None."""

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-extensions",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe",
)  # fmt: skip

LIMIT = 120.0
"""Time after which a browser that does not answer counts as broken, s."""

# Elements of Bokeh lie in shadow trees; a canvas counts as empty if all its pixels are alike.
LOOK = """
(() => {
  const canvases = [];
  const walk = (root) => {
    for (const element of root.querySelectorAll("*")) {
      if (element.tagName === "CANVAS" && element.width > 50) canvases.push(element);
      if (element.shadowRoot) walk(element.shadowRoot);
    }
  };
  const colours = (canvas) => {
    const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    const seen = new Set();
    for (let k = 0; k < data.length && seen.size < 50; k += 4)
      seen.add((data[k] << 24) | (data[k + 1] << 16) | (data[k + 2] << 8) | data[k + 3]);
    return seen.size;
  };
  const charts = {};
  for (const chart of document.querySelectorAll(".chart")) {
    canvases.length = 0;
    walk(chart);
    charts[chart.id] = Math.max(0, ...canvases.map(colours));
  }
  return {
    charts: charts,
    failed: document.querySelectorAll(".failed").length,
    wide: document.documentElement.scrollWidth - window.innerWidth,
    text: document.body.innerText,
  };
})()
"""


class Browser:
    """One tab of a browser; `complaints` holds what its console said, `requests` what it loaded."""

    def __init__(self, process: subprocess.Popen[bytes], to: int, come: int) -> None:
        self.process, self._to, self._come = process, to, come
        self._pending, self._count, self._session = b"", 0, ""
        self.complaints: list[str] = []
        self.requests: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        found = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = found["sessionId"]
        for domain in ("Runtime", "Log", "Page", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Carry out one command; events that arrive meanwhile are noted."""
        self._count += 1
        message: dict[str, Any] = {"id": self._count, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._count:
            pass
        assert "error" not in answer, (method, answer["error"])
        result: dict[str, Any] = answer["result"]
        return result

    def _next(self) -> dict[str, Any]:
        end = time.monotonic() + LIMIT
        while b"\0" not in self._pending:
            ready, _, _ = select.select([self._come], [], [], max(end - time.monotonic(), 0.0))
            piece = os.read(self._come, 1 << 20) if ready else b""
            assert piece, "the browser does not answer"
            self._pending += piece
        raw, _, self._pending = self._pending.partition(b"\0")
        message: dict[str, Any] = json.loads(raw)
        self._note(message.get("method", ""), message.get("params", {}))
        return message

    def _note(self, event: str, params: dict[str, Any]) -> None:
        if event == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            words = [str(item.get("value", item.get("description"))) for item in params["args"]]
            self.complaints.append(" ".join(words))
        elif event == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(params["exceptionDetails"]))
        elif event == "Log.entryAdded":
            self.complaints.append(params["entry"]["text"])
        elif event == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])

    def size(self, width: int, height: int, *, phone: bool = False) -> None:
        """Set the size of the window, pixels; a phone has a screen to touch."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=phone)  # fmt: skip
        self.call("Emulation.setTouchEmulationEnabled", enabled=phone)
        media = [{"name": "pointer", "value": "coarse" if phone else "fine"}]
        self.call("Emulation.setEmulatedMedia", features=media)

    def open(self, path: Path) -> None:
        """Open a file and wait until all of its pictures are drawn."""
        assert path.is_file(), path
        self.call("Page.navigate", url=path.resolve().as_uri())
        self.wait("document.body && document.body.dataset.ready === 'true'")
        # Bokeh paints in the frame after the one in which it is ready.
        self.evaluate("new Promise((done) => setTimeout(done, 300))")

    def evaluate(self, code: str) -> Any:
        """Value of an expression in the page; promises are waited for."""
        result = self.call("Runtime.evaluate", expression=code, returnByValue=True,
                           awaitPromise=True)  # fmt: skip
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def wait(self, code: str) -> None:
        """Wait until an expression is true; a page that is being left counts as false."""
        end = time.monotonic() + LIMIT
        while time.monotonic() < end:
            with contextlib.suppress(AssertionError):
                if self.evaluate(code):
                    return
            time.sleep(0.05)
        raise AssertionError(f"never true: {code}; the console says {self.complaints}")

    def look(self) -> dict[str, Any]:
        """What is drawn: for each chart how many colours, and what the page says."""
        found: dict[str, Any] = self.evaluate(LOOK)
        return found

    def picture(self, path: Path, *, whole: bool = True) -> Path:
        """Store a picture of the page."""
        result = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(result["data"]))
        return path


@contextlib.contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Start a browser with an empty profile in this folder, and end it afterwards."""
    assert CHROMIUM is not None
    their_in, ours_out = os.pipe()
    ours_in, their_out = os.pipe()
    words = [CHROMIUM, *FLAGS, f"--user-data-dir={folder / 'profile'}", "about:blank"]
    # The browser reads commands from file 3 and writes answers to file 4.
    script = f'exec "$@" 3<&{their_in} 4>&{their_out}'
    process = subprocess.Popen(
        ["bash", "-c", script, "bash", *words], pass_fds=(their_in, their_out),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(their_in)
    os.close(their_out)
    try:
        yield Browser(process, ours_out, ours_in)
    finally:
        os.close(ours_out)
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        os.close(ours_in)
