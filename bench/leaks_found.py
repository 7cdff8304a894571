"""Cases that leaked once, each in its smallest form: the bench plays them as transitions for good.

What `scripts/bench leaks --random` finds and shrinks is entered here under a name that says what it is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bench.leaks_cases import Case

_RASTER: Final = Case("chromium", document="frame", after="svg")
_HELD: Final = Case("chromium", document="frame", goes="transition", held=3)
_REMOVED: Final = Case("chromium", document="frame_in_frame", sensitive="frame_address", by="parent", after="svg")
# Found by seed 1, play 4: what was known of a browser that did not answer for a while was forgotten.
_HUNG: Final = Case(
    "chromium", document="sandboxed", sensitive="css", comes="reveal", goes="transition", by="parent", after="video",
    meanwhile="hang_extension", held=3, hung=2,
)  # fmt: skip

FOUND: Final[dict[str, tuple[Case, ...]]] = {
    "heavy_raster_in_frame": (_RASTER, replace(_RASTER, browser="firefox")),
    "heavy_raster_navigated": (replace(_RASTER, goes="navigate"),),
    "heavy_raster_crossed": (replace(_RASTER, goes="crossing"),),
    "heavy_raster_written": (replace(_RASTER, goes="written"),),
    "heavy_layers_in_frame": (replace(_RASTER, after="layers"),),
    "view_transition_held": (_HELD, replace(_HELD, browser="firefox")),
    "gpu_stopped": (Case("chromium", document="frame", after="light", meanwhile="hang_gpu", hung=4),),
    "extension_hung_in_transition": (_HUNG,),
    "providers_frame_removed": (_REMOVED, replace(_REMOVED, browser="firefox")),
}
"""Name -> the case in each browser in which it can be played."""
