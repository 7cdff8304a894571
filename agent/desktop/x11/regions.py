"""Two XFIXES requests that python-xlib has not: a region on the server, and what is in it. Source: fixesproto 5.0."""

from __future__ import annotations

from Xlib.protocol import rq


class CreateRegion(rq.Request):  # type: ignore[misc]
    """XFIXES request 5, of an empty one."""

    _request = rq.Struct(rq.Card8("opcode"), rq.Opcode(5), rq.RequestLength(), rq.Card32("region"))


class FetchRegion(rq.ReplyRequest):  # type: ignore[misc]
    """XFIXES request 19. The rectangles stay raw: a page has hundreds, and python-xlib's structures are slow."""

    _request = rq.Struct(rq.Card8("opcode"), rq.Opcode(19), rq.RequestLength(), rq.Card32("region"))
    _reply = rq.Struct(
        rq.ReplyCode(), rq.Pad(1), rq.Card16("sequence_number"), rq.ReplyLength(), rq.Pad(24), rq.Binary("rectangles")
    )
