"""How each browser of this PC stands: is it here, may it start the relay, must it carry the extension, what is next.

It looks only at what browsers read themselves, so that it says the same before and after the recorder has started.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agent.browser import enterprise, install, manifests, places
from agent.browser.enterprise import InForce
from agent.browser.install import Placed
from agent.browser.places import Browser

WHY_NOT_SANDBOXED = (
    "a {kind} starts the relay through a portal, if at all, so that it cannot be known which browser it speaks for; "
    "its pages stay unseen and the eye closed while it shows. Install {title} as an ordinary package"
)


@dataclass(frozen=True, slots=True)
class BrowserStatus:
    """`program` is None where no ordinary package is installed; `sandbox` is a snap or flatpak beside or instead."""

    browser: Browser
    program: Path | None
    sandbox: tuple[str, Path] | None
    manifests: tuple[Placed, ...]  # the one of the user first: browsers take the first that they may
    policy: InForce
    next: tuple[str, ...]

    @property
    def here(self) -> bool:
        return self.program is not None or self.sandbox is not None

    @property
    def manifest(self) -> Placed | None:
        """The one that the browser takes."""
        return next((one for one in self.manifests if one.scope == "system" or self.policy.user_manifests), None)

    @property
    def ready(self) -> bool:
        """Whether the browser would start the relay for an extension that knocks."""
        taken = self.manifest
        return self.program is not None and taken is not None and not taken.trouble and self.policy.relay


def browser_status(browser: Browser) -> BrowserStatus:
    there = tuple(
        found for found in (install.placed(browser, "user"), install.placed(browser, "system")) if found is not None
    )
    ids = [id_ for one in there for id_ in one.ids] or install.ids_for(browser, ())
    seen = BrowserStatus(
        browser, places.program(browser), places.sandboxed(browser), there, enterprise.in_force(browser, ids), ()
    )
    return BrowserStatus(browser, seen.program, seen.sandbox, there, seen.policy, tuple(_next(seen)))


def _next(seen: BrowserStatus) -> Iterator[str]:
    name = seen.browser.name
    if seen.sandbox is not None:
        yield WHY_NOT_SANDBOXED.format(kind=seen.sandbox[0], title=seen.browser.title)
    if seen.program is None:
        return
    taken = seen.manifest
    scope = "" if taken is None or taken.scope == "user" else " --system"
    if taken is None and seen.manifests:
        yield f"its policy ignores manifests of a single user: sudo eyelid browser install --system --browser {name}"
    elif taken is None:
        yield f"eyelid browser install --browser {name}"
    elif taken.trouble:
        yield f"eyelid browser install{scope} --browser {name}"
    elif seen.browser.family == "chromium" and manifests.chromium_id() not in taken.ids and not seen.policy.extension:
        yield f"its manifest lets in {', '.join(taken.ids)} alone: is that the id that `eyelid browser pack` printed?"
    yield from (f"mend {path}: it is no policy, and the browser ignores it" for path in seen.policy.unread)
    if not seen.policy.relay:
        yield f"let the relay start: {manifests.HOST_NAME} belongs in NativeMessagingAllowlist"
    if not seen.policy.extension:
        yield f"put its policy in force: eyelid browser policy --browser {name}"
        return
    if not seen.policy.private:
        yield "let no private window escape: eyelid browser policy shows the entry"
    if seen.policy.previews_off is False:
        yield "switch previews of tabs off: eyelid browser policy shows the entry"
