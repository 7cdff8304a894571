"""The player's page beside the export of the same recording: pictures, and what was not kept."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import av
import numpy as np

from testkit.player_page import Page

# Seeks, waits until every screen has drawn what stood there, and gives one canvas as RGBA.
PIXELS = """(async () => {
  const {player} = eyelid;
  player.seek(%f);
  while (!player.ready) { await new Promise(requestAnimationFrame); player.draw(); }
  const canvas = document.querySelector('canvas[data-stream="%d"]');
  const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let text = "";
  for (let at = 0; at < data.length; at += 8192) text += String.fromCharCode(...data.subarray(at, at + 8192));
  return {pixels: btoa(text), width: canvas.width, height: canvas.height, hidden: canvas.classList.contains("covered")};
})()"""


def pictures(path: Path) -> list[tuple[float, np.ndarray[Any, Any]]]:
    with av.open(path) as container:
        return [(float(one.time or 0), one.to_ndarray(format="rgb24")) for one in container.decode(video=0)]


def difference(pixels: str, film: list[tuple[float, np.ndarray[Any, Any]]], moment: float) -> np.ndarray[Any, Any]:
    """Of what PIXELS gave, Base64 of RGBA, from the film's picture at that moment; 0 to 255 for each colour."""
    wanted = next(picture for at, picture in reversed(film) if at <= moment + 1e-6)
    height, width, _ = wanted.shape
    there = np.frombuffer(base64.b64decode(pixels), np.uint8).reshape(height, width, 4)[..., :3]
    off: np.ndarray[Any, Any] = np.abs(there.astype(int) - wanted.astype(int))
    return off


def parts_exported(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Of a lane, as timeline.json has it."""
    return [{key: part[key] for key in part if key != "policy"} for part in told["parts"]]


def parts_shown(page: Page, lane: str) -> list[dict[str, Any]]:
    """The same, as the page worked it out; ns."""
    names, found = page.run("eyelid.about.names"), []
    for part in page.run("eyelid.about.lanes")[lane]:
        margin = part["margin"] is not None
        one: dict[str, Any] = {"from": part["from"], "to": part["to"], "margin": margin, "what": part["what"]}
        if part["what"] == "closed":
            one["what"] = "closed_margin" if margin else "closed"
            rules = names.get(part["policy"], {}).get("rules", [])
            one["rules"] = [rule if isinstance(rule, str) else rules[rule][0] for rule in part["rules"]]
        found.append(one | {key: part[key] for key in ("holds", "why") if key in part})
    return found
