"""How far the display is behind a page that has drawn twice: the figures of docs/platforms.md.

    .venv/bin/python -m bench.measure_pages [--seconds 120]

In each browser a page becomes magenta and white in turn, and says when it had drawn twice since; the watcher of
bench/leaks says when the colour left the screen. As the machine is: to see a busy one, keep it busy meanwhile. The two
clocks agree to within some 10 ms, so a display may seem to be ahead of its page.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

from agent.desktop.clock import BootClock
from agent.desktop.pressure import Pressure
from bench.leaks_watch import watcher
from testkit import web
from testkit.stage import own_display, running

PAGE = b"""<!doctype html><meta charset="utf-8"><title>lag</title><body style="margin:0"><script>
const now = () => performance.timeOrigin + performance.now();
let on = false;
setInterval(() => {
  on = !on;
  document.body.style.background = on ? "#ff00ff" : "white";
  const turned = now();
  requestAnimationFrame(() => requestAnimationFrame(() => {
    fetch("/", {method: "POST", body: JSON.stringify({on, turned, drawn: now()})});
  }));
}, 700 + 100 * Math.random());
</script>"""
STRIPS = [(300, 0, 8, 800), (900, 0, 8, 800)]
TURN = 700_000_000  # ns; what left the screen later than that left it another time
APART = 20_000_000  # ns; so far the two clocks may differ


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120)
    seconds = parser.parse_args().seconds
    for name in ("chromium", "firefox"):
        pressure = Pressure(BootClock().now)
        pressure.stalled()
        found = sorted(lags(name, seconds))
        share = pressure.stalled()
        p95 = found[int(len(found) * 0.95)]
        late = sum(lag > 60 for lag in found)
        print(
            f"{name}: {len(found)} turns; {found[len(found) // 2]:.0f} / {p95:.0f} / {found[-1]:.0f} ms (median, p95, "
            f"longest), {late} above 60 ms; somebody waited for a core {share:.0%} of the time"
        )


def lags(name: str, seconds: float) -> list[float]:
    """ms from the page's word that it has drawn twice to the last of the colour."""
    told: list[dict[str, float]] = []

    class Asked(web.Answer):
        def get(self, *_: object) -> None:
            self.send("text/html", PAGE)

        def post(self, body: bytes) -> None:
            told.append(json.loads(body))
            self.send("text/plain", "")

    clock = BootClock()
    apart = min(clock.now() - time.time_ns() for _ in range(100))
    with tempfile.TemporaryDirectory(prefix="lag-") as place, web.serving(Asked) as port:
        folder = Path(place)
        with own_display(folder, (1280, 800)) as stage, watcher(stage.name, STRIPS, folder) as watching:
            command = _command(name, folder / "profile", f"http://127.0.0.1:{port}/")
            with running(name, command, folder / "browser.log", {**os.environ, **stage.environment, "HOME": place}):
                time.sleep(seconds)
                gone = [edge.at for edge in watching.edges() if not edge.shown]
    found = []
    for one in told:
        turned, drawn = (one[key] * 1e6 + apart for key in ("turned", "drawn"))
        left = min((at for at in gone if at > turned - APART), default=0)
        if not one["on"] and turned - APART < left < turned + TURN:
            found.append((left - drawn) / 1e6)
    return found


def _command(name: str, profile: Path, url: str) -> list[str]:
    profile.mkdir()
    if name == "firefox":
        return ["firefox-esr", "--profile", str(profile), "--width", "1200", "--height", "760", url]
    flags = ["--no-sandbox", "--no-first-run", "--disable-background-networking", "--window-size=1200,760"]
    return ["chromium", *flags, f"--user-data-dir={profile}", url]


if __name__ == "__main__":
    main()
