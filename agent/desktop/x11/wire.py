"""One connection to an X server: questions in batches, events as typed values, a lost connection as one exception.

python-xlib's traps, kept in here: a reply is only awaited when asked for, so many questions cost one round trip if
they are all sent before the first is awaited; errors of requests without a reply go to stderr unless caught; events
may already lie in its queue before `select` says anything; extensions must be asked their version before they answer.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from Xlib import X, display, error
from Xlib.ext import dpms, randr, res, screensaver, shape
from Xlib.protocol import request
from Xlib.support import connect, unix_connect

from agent.core.model.seen import Blind, Box
from agent.desktop import kinds
from agent.desktop.x11.events import Event, number, outer, read_unknown_events, typed
from agent.desktop.x11.monitors import Named, captured
from agent.errors import EnvironmentFault

OPAQUE: Final = 0xFFFF_FFFF  # _NET_WM_WINDOW_OPACITY
MOST_PARTS: Final = 64  # of a shaped window; four round corners are some forty
READ_AT_MOST: Final = 4096  # 32-bit words of one property: 16 KiB, far beyond any title that is one

TYPE_PREFIX: Final = "_NET_WM_WINDOW_TYPE_"
ATOMS: Final = (
    "UTF8_STRING", "COMPOUND_TEXT", "WM_STATE", "WM_CLIENT_MACHINE", "WM_NAME", "WM_CLASS", "_NET_WM_NAME",
    "_NET_WM_PID", "_NET_WM_WINDOW_TYPE", "_NET_WM_WINDOW_OPACITY", "_NET_CLIENT_LIST", "_NET_ACTIVE_WINDOW",
    "_NET_SUPPORTING_WM_CHECK", "_XEMBED_INFO", *(f"{TYPE_PREFIX}{name}" for name in kinds.KNOWN_TYPES)
)  # fmt: skip


class Disconnected(Exception):
    """The X server has gone, or has thrown us out. Nothing can be asked any more."""


@dataclass(frozen=True, slots=True)
class Property:
    """A window property: `text` if it consists of bytes, else `numbers`. `whole`: not longer than what was read."""

    type: int
    text: bytes
    numbers: tuple[int, ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class Outside:
    """A top level seen from outside. `box` with its border; `draws`: not an input-only window; `faded`: by its own
    _NET_WM_WINDOW_OPACITY."""

    box: Box
    depth: int
    draws: bool
    mapped: bool
    override: bool
    shaped: bool
    faded: bool
    bordered: bool


@dataclass(frozen=True, slots=True)
class Inside:
    """What a window holds. `managed`: it has WM_STATE, so it is a client (ICCCM 4.1.3.1); `embedded`: part of another
    program's window (XEmbed)."""

    managed: bool
    embedded: bool
    children: tuple[int, ...]


class _Low(display._BaseDisplay):  # type: ignore[misc] # noqa: SLF001 - of an untyped library, which has no setting
    def __init__(self, name: str | None) -> None:
        try:
            super().__init__(name)
        except error.DisplayError:
            if hasattr(self, "socket"):  # it was refused
                self.socket.close()
            raise


def _to_path(address: str) -> socket.socket:
    made = socket.socket(socket.AF_UNIX)
    try:
        made.connect(address)
    except OSError:
        made.close()
        raise
    return made


# python-xlib leaves every socket open that it tried in vain, and that of a server that refuses it.
unix_connect._get_unix_socket = _to_path  # noqa: SLF001
unix_connect._get_tcp_socket = lambda host, number: socket.create_connection((host, 6000 + number))  # noqa: SLF001
display._BaseDisplay = _Low  # noqa: SLF001


class Wire:
    """`name`: an X display such as `:0`, None for $DISPLAY. Raises EnvironmentFault when there is none, Disconnected
    when it goes meanwhile.
    """

    def __init__(self, name: str | None = None) -> None:
        try:
            if not somebody_listens(name):
                raise ConnectionRefusedError
            self._display: Any = display.Display(name)
            read_unknown_events(self._display)
        except (error.DisplayError, error.XauthError, error.ConnectionClosedError, OSError) as fault:
            raise EnvironmentFault(
                f"no X display answers at {name or '$DISPLAY'} ({type(fault).__name__}). "
                "Start Eyelid inside the session that it is to record, or set DISPLAY and XAUTHORITY to that session's."
            ) from fault
        try:
            self._learn()
        except (error.ConnectionClosedError, OSError) as lost:
            self._display.display.socket.close()
            raise Disconnected from lost

    def _learn(self) -> None:
        """What this server has, and its numbers for it."""
        self._low: Any = self._display.display
        self._display.set_error_handler(lambda *_: None)  # a window that died meanwhile: its DestroyNotify says so
        screen = self._display.screen()
        self.root: int = screen.root.id
        self._mask: int = self._low.info.resource_id_mask
        self.extensions: frozenset[str] = frozenset(self._display.list_extensions())
        self._opcodes = {name: self._low.get_extension_major(name) for name in self._display.extensions}
        asked = [request.InternAtom(display=self._low, defer=True, name=atom, only_if_exists=False) for atom in ATOMS]
        self.atom: dict[str, int] = {name: answer.atom for name, answer in zip(ATOMS, self._settle(asked), strict=True)}
        self._compositor_atom: int = self._low.get_atom(f"_NET_WM_CM_S{self._low.get_default_screen()}")
        self._codes = self._event_codes()

    def _event_codes(self) -> dict[int, str]:
        """Numbers of the extensions' events on this server; extensions that it lacks are left out."""
        codes = {}
        for name, first, count in (("SHAPE", 0, 1), ("XFIXES", 0, 1), ("RANDR", 0, 2), ("DAMAGE", 0, 1)):
            if name in self._opcodes:
                base = self._display.query_extension(name).first_event
                codes.update({base + number: name for number in range(first, count)})
        return codes

    @property
    def is_xwayland(self) -> bool:
        """By the extension that Xwayland has had since 23.1, before that by its outputs' names (XWAYLAND0, ...)."""
        if "XWAYLAND" in self.extensions:
            return True
        if "RANDR" not in self._opcodes:
            return False
        outputs, _ = self._crtcs(self._opcodes["RANDR"])
        return any(name.startswith("XWAYLAND") for name in outputs.values())

    @property
    def display(self) -> Any:
        """python-xlib's, for requests that are not here."""
        return self._display

    # -- asking ---------------------------------------------------------------------------------------------------

    def _settle(self, asked: Iterable[Any]) -> list[Any]:
        """The replies, in order; `Blind.VANISHED` where the window was gone."""
        answers: list[Any] = []
        for question in asked:
            try:
                question.reply()
            except error.XError:
                answers.append(Blind.VANISHED)
            except (error.ConnectionClosedError, OSError) as lost:
                raise Disconnected from lost
            else:
                answers.append(question)
        return answers

    def round_trip(self) -> int:
        """Afterwards every event up to now is in `events`. Returns the window with the input focus."""
        [answer] = self._settle([self._ask(request.GetInputFocus)])
        return number(answer.focus)

    def _ask(self, kind: Any, **fields: Any) -> Any:
        try:
            return kind(display=self._low, defer=True, **fields)
        except (error.ConnectionClosedError, OSError) as lost:
            raise Disconnected from lost

    def properties(self, wanted: Sequence[tuple[int, int]]) -> list[Property | Blind | None]:
        """One for each (window, atom); None where the window has no such property."""
        asked = [self._property(window, atom) for window, atom in wanted]
        return [answer if isinstance(answer, Blind) else _property(answer) for answer in self._settle(asked)]

    def _property(self, window: int, atom: int) -> Any:
        return self._ask(
            request.GetProperty, delete=0, window=window, property=atom, type=0, long_offset=0, long_length=READ_AT_MOST
        )

    def _extents(self, window: int) -> list[Any]:
        """The question for the window's shape; none on a server that cannot shape windows."""
        if "SHAPE" not in self._opcodes:
            return []
        return [self._ask(shape.QueryExtents, opcode=self._opcodes["SHAPE"], destination_window=window)]

    def tops(self) -> tuple[int, ...]:
        """Children of the root window that programs made, bottom of the stack first."""
        [answer] = self._settle([self._ask(request.QueryTree, window=self.root)])
        return tuple(child.id for child in answer.children)

    def server_windows(self) -> tuple[int, ...]:
        """Children of the root window that the server made, which QueryTree leaves out: the compositor's overlay, the
        window that blanks the screen. By X-Resource 1.2, QueryResourceBytes; none where the server cannot say.
        """
        if "X-Resource" not in self._opcodes:
            return ()
        specs = [{"resource": 0, "type": 0}]
        opcode = self._opcodes["X-Resource"]
        [answer] = self._settle([self._ask(res.QueryResourceBytes, opcode=opcode, client=self.root, specs=specs)])
        if isinstance(answer, Blind):
            return ()
        # By number, not by the type told: where something else has a window's number, such as who listens to its
        # shape, the answer tells of that alone.
        owned = sorted({one.size.resource for one in answer.sizes} - {self.root})
        attributes = self._settle([self._ask(request.GetWindowAttributes, window=one) for one in owned])
        return tuple(one for one, found in zip(owned, attributes, strict=True) if not isinstance(found, Blind))

    def outsides(self, windows: Sequence[int]) -> list[Outside | Blind]:
        opacity = self.atom["_NET_WM_WINDOW_OPACITY"]
        asked = [
            (
                self._ask(request.GetWindowAttributes, window=window),
                self._ask(request.GetGeometry, drawable=window),
                self._property(window, opacity),
                *self._extents(window),
            )
            for window in windows
        ]
        return [_outside(self._settle(questions)) for questions in asked]

    def shapes(self, windows: Sequence[int]) -> list[tuple[Box, ...] | None]:
        """Of which rectangles each consists, from its corner; None where there are many, or the window was gone."""
        if "SHAPE" not in self._opcodes:
            return [None for _ in windows]
        asked = [
            self._ask(shape.GetRectangles, opcode=self._opcodes["SHAPE"], window=window, source_kind=shape.SK.Bounding)
            for window in windows
        ]
        return [_parts(answer) for answer in self._settle(asked)]

    def insides(self, windows: Sequence[int]) -> list[Inside | Blind]:
        asked = [
            (
                self._property(window, self.atom["WM_STATE"]),
                self._property(window, self.atom["_XEMBED_INFO"]),
                self._ask(request.QueryTree, window=window),
            )
            for window in windows
        ]
        return [_inside(self._settle(questions)) for questions in asked]

    def viewable(self, windows: Sequence[int]) -> list[bool]:
        """Whether each and all its ancestors are mapped; False for one that has gone."""
        answers = self._settle([self._ask(request.GetWindowAttributes, window=window) for window in windows])
        return [not isinstance(answer, Blind) and answer.map_state == X.IsViewable for answer in answers]

    def places(self, pairs: Sequence[tuple[int, int]]) -> list[Box | Blind]:
        """The first window's rectangle inside the second, for each pair."""
        asked = [
            (
                self._ask(request.GetGeometry, drawable=inner),
                self._ask(request.TranslateCoords, src_wid=inner, dst_wid=outer, src_x=0, src_y=0),
            )
            for inner, outer in pairs
        ]
        return [_place(self._settle(questions)) for questions in asked]

    def owners(self, windows: Sequence[int]) -> list[int | Blind]:
        """The process at the other end of the connection that made each window, as the kernel told the server.

        X-Resource 1.2 (xorg-server 1.12, 2012), LocalClientPID. `Blind.NO_PROCESS` where the server cannot say,
        `Blind.FOREIGN_PROCESS` where the connection comes from another host.
        """
        if "X-Resource" not in self._opcodes:
            return [Blind.NO_PROCESS] * len(windows)
        specs = [{"client": window, "mask": res.LocalClientPIDMask} for window in windows]
        opcode = self._opcodes["X-Resource"]
        asked = [self._ask(res.QueryClientIds, opcode=opcode, specs=[spec]) for spec in specs]
        return [answer if isinstance(answer, Blind) else _pid(answer) for answer in self._settle(asked)]

    def root_box(self) -> Box:
        """The whole desktop: all that can be captured, whatever monitors there are."""
        [root] = self._settle([self._ask(request.GetGeometry, drawable=self.root)])
        return Box(0, 0, root.width, root.height)

    def captured(self) -> tuple[Named, ...]:
        """Name and place of each rectangle of the root window that is captured (see `agent.desktop.x11.monitors`)."""
        crtcs: list[Named] = []
        monitors: list[Named] = []
        if "RANDR" in self._opcodes:
            outputs, crtcs = self._crtcs(self._opcodes["RANDR"])
            monitors = self._monitors(self._opcodes["RANDR"], outputs)
        return captured(self.root_box(), crtcs, monitors)

    def _crtcs(self, opcode: int) -> tuple[dict[int, str], list[Named]]:
        """Names of the outputs, which no program can change, and places of the active CRTCs. None where the server does
        not tell (RandR before 1.3)."""
        [resources] = self._settle([self._ask(randr.GetScreenResourcesCurrent, opcode=opcode, window=self.root)])
        if isinstance(resources, Blind):
            return {}, []
        asked = [
            self._ask(randr.GetOutputInfo, opcode=opcode, output=output, config_timestamp=0)
            for output in resources.outputs
        ]
        answers = zip(resources.outputs, self._settle(asked), strict=True)
        outputs = {output: str(answer.name) for output, answer in answers if not isinstance(answer, Blind)}
        asked = [self._ask(randr.GetCrtcInfo, opcode=opcode, crtc=crtc, config_timestamp=0) for crtc in resources.crtcs]
        active = [answer for answer in self._settle(asked) if not isinstance(answer, Blind) and answer.mode]
        return outputs, [
            (_first_name(one.outputs, outputs), Box(one.x, one.y, one.width, one.height)) for one in active
        ]

    def _monitors(self, opcode: int, outputs: Mapping[int, str]) -> list[Named]:
        """As any program may have set them; none where the server does not tell (RandR before 1.5)."""
        if not hasattr(self._display.screen().root, "xrandr_get_monitors"):
            return []
        [answer] = self._settle([self._ask(randr.GetMonitors, opcode=opcode, window=self.root, is_active=True)])
        if isinstance(answer, Blind):
            return []
        return [
            (_first_name(one.crtcs, outputs), Box(one.x, one.y, one.width_in_pixels, one.height_in_pixels))
            for one in answer.monitors
        ]

    def compositor(self) -> int:
        """The window that owns _NET_WM_CM_Sn; 0 while no compositor runs."""
        [answer] = self._settle([self._ask(request.GetSelectionOwner, selection=self._compositor_atom)])
        return number(answer.owner)

    def same_connection(self, one: int, other: int) -> bool:
        """Whether both windows were made through the same connection."""
        return (one ^ other) & ~self._mask == 0

    def is_servers(self, window: int) -> bool:
        """Whether the server itself made it: the compositor's overlay, the window that blanks the screen."""
        return self.same_connection(window, self.root)

    def blanked(self) -> bool:
        """Whether the server's screen saver is on (MIT-SCREEN-SAVER), or the monitors sleep (DPMS)."""
        asked = []
        if "MIT-SCREEN-SAVER" in self._opcodes:
            opcode = self._opcodes["MIT-SCREEN-SAVER"]
            asked.append(self._ask(screensaver.QueryInfo, opcode=opcode, drawable=self.root))
        if "DPMS" in self._opcodes:
            asked.append(self._ask(dpms.DPMSInfo, opcode=self._opcodes["DPMS"]))
        answers = [answer for answer in self._settle(asked) if not isinstance(answer, Blind)]
        return any(_is_dark(answer) for answer in answers)

    # -- watching -------------------------------------------------------------------------------------------------

    def watch_root(self) -> None:
        """Events for every change of the top levels, of the root's size and properties, of monitors and of the
        compositor.
        """
        self._select(self.root, X.SubstructureNotifyMask | X.StructureNotifyMask | X.PropertyChangeMask)
        root = self._display.screen().root
        if "RANDR" in self._opcodes:
            root.xrandr_select_input(randr.RRScreenChangeNotifyMask | randr.RRCrtcChangeNotifyMask)
        if "XFIXES" in self._opcodes:
            self._display.xfixes_query_version()
            self._display.xfixes_select_selection_input(root, self._compositor_atom, 0b111)

    def watch_top(self, window: int) -> None:
        """Events for the top level's own properties and shape, and for windows that come into it."""
        self._select(window, X.PropertyChangeMask | X.SubstructureNotifyMask)
        if "SHAPE" in self._opcodes:
            self._display.create_resource_object("window", window).shape_select_input(1)

    def watch_client(self, window: int) -> None:
        """Events for the properties, place and end of a client inside a frame, and for windows that come into it."""
        self._select(window, X.PropertyChangeMask | X.StructureNotifyMask | X.SubstructureNotifyMask)

    def watch_part(self, window: int) -> None:
        """Events for windows that come into this one, a part of a client."""
        self._select(window, X.SubstructureNotifyMask)

    def _select(self, window: int, mask: int) -> None:
        # A handler of our own: python-xlib prints errors of requests without a reply.
        request.ChangeWindowAttributes(
            display=self._low, onerror=lambda *_: True, window=window, attrs={"event_mask": mask}
        )

    def events(self) -> list[Event]:
        """Everything that has arrived, oldest first, without waiting. Also sends what was only queued.

        What a program sends (ICCCM 4.1.4, 4.1.5) is a message, not something that happened, and is left out.
        """
        try:
            arrived = [self._display.next_event() for _ in range(self._display.pending_events())]
            known = [typed(event, self.root, self._codes) for event in arrived if not event.send_event]
            return [event for event in known if event is not None]
        except (error.ConnectionClosedError, OSError) as lost:
            raise Disconnected from lost

    def fileno(self) -> int:
        try:
            return int(self._display.fileno())
        except (error.ConnectionClosedError, OSError) as lost:
            raise Disconnected from lost

    def close(self) -> None:
        try:
            self._display.close()
        except (error.ConnectionClosedError, OSError):
            self._low.socket.close()


def somebody_listens(name: str | None) -> bool:
    """False if it is certain that none does."""
    _, _, host, number, _ = connect.get_display(name)
    if host not in {"", "unix"}:
        return True
    for path in (f"/tmp/.X11-unix/X{number}", f"\0/tmp/.X11-unix/X{number}"):  # noqa: S108 - where X servers listen
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(path) == 0:
                return True
    return False


def _first_name(numbers: Sequence[int], outputs: Mapping[int, str]) -> str:
    return next((outputs[number] for number in numbers if number in outputs), "")


def _property(answer: Any) -> Property | None:
    if answer.value is None:
        return None
    size, value = answer.value
    whole = answer.bytes_after == 0
    if size == 8:
        return Property(answer.property_type, bytes(value), (), whole)
    return Property(answer.property_type, b"", tuple(value), whole)


def _outside(answers: list[Any]) -> Outside | Blind:
    if any(isinstance(answer, Blind) for answer in answers):
        return Blind.VANISHED
    attributes, geometry, opacity = answers[:3]
    value = _property(opacity)
    return Outside(
        box=outer(geometry),
        depth=geometry.depth,
        draws=attributes.win_class == X.InputOutput,
        mapped=attributes.map_state != X.IsUnmapped,
        override=bool(attributes.override_redirect),
        shaped=any(extents.bounding_shaped or extents.clip_shaped for extents in answers[3:]),
        bordered=geometry.border_width > 0,
        faded=value is not None and value.numbers[:1] != (OPAQUE,),
    )


def _parts(answer: Any) -> tuple[Box, ...] | None:
    if isinstance(answer, Blind) or len(answer.rectangles) > MOST_PARTS:
        return None
    return tuple(Box(one.x, one.y, one.width, one.height) for one in answer.rectangles)


def _inside(answers: list[Any]) -> Inside | Blind:
    if any(isinstance(answer, Blind) for answer in answers):
        return Blind.VANISHED
    state, embedded, tree = answers
    children = tuple(child.id for child in tree.children)
    return Inside(_property(state) is not None, _property(embedded) is not None, children)


def _place(answers: list[Any]) -> Box | Blind:
    if any(isinstance(answer, Blind) for answer in answers):
        return Blind.VANISHED
    geometry, origin = answers
    return Box(origin.x, origin.y, geometry.width, geometry.height)


def _pid(answer: Any) -> int | Blind:
    pids = [value for entry in answer.ids for value in entry.value]
    return pids[0] if pids and 0 < pids[0] < 1 << 31 else Blind.FOREIGN_PROCESS


def _is_dark(answer: Any) -> bool:
    if isinstance(answer, screensaver.QueryInfo):
        return bool(answer.state == screensaver.StateOn)
    return bool(answer.state and answer.power_level != dpms.DPMSModeOn)
