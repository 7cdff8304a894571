"""What each browser comes to: can it start the relay, does it carry the extension, does it show pictures of tabs."""

from __future__ import annotations

from typing import Final

from agent.browser import places
from agent.browser.status import WHY_NOT_SANDBOXED
from agent.doctor.facts import BrowserFacts, Facts, PolicyFacts, RecorderFacts
from agent.doctor.findings import Check, Finding, beside, good, warning, wrong
from agent.doctor.judge.words import several

GROUP: Final = "Browsers"


def which(browsers: tuple[BrowserFacts, ...], _: Facts) -> Finding:
    here = [one.title for one in browsers if one.here]
    missing = [one.title for one in browsers if not one.here]
    if not here:
        return beside("no browser that can tell its pages is installed; any other one closes the eye")
    return good(f"{', '.join(here)}" + (f" (not installed: {', '.join(missing)})" if missing else ""))


def sandbox(browsers: tuple[BrowserFacts, ...], _: Facts) -> tuple[Finding, ...]:
    return tuple(_sandbox(one) for one in browsers if one.sandbox)


def _sandbox(one: BrowserFacts) -> Finding:
    why = WHY_NOT_SANDBOXED.format(kind=one.sandbox, title=one.title).partition(". ")[0]
    package = places.named(one.name)
    remove = f"sudo snap remove {package.snap}" if one.sandbox == "snap" else f"flatpak uninstall {package.flatpak}"
    if one.program:
        return warning(f"a {one.sandbox} is here as well; {why}", remove, of=one.title)
    return wrong(f"only as a {one.sandbox}: {why}", f"install {one.title} as an ordinary package", remove, of=one.title)


def relay(browsers: tuple[BrowserFacts, ...], _: Facts) -> tuple[Finding, ...]:
    return tuple(_relay(one) for one in browsers if one.program)


def _relay(one: BrowserFacts) -> Finding:
    if one.ready:
        return good("it may start Eyelid's relay", of=one.title)
    return _lacking(one, "it cannot start Eyelid's relay, so its windows close the eye", *one.next[:1])


def _lacking(one: BrowserFacts, found: str, *steps: str) -> Finding:
    """A browser that is not used does no harm yet."""
    verdict = wrong if one.running or one.profiles else warning
    return verdict(found, *steps, of=one.title)


def extension(browsers: tuple[BrowserFacts, ...], _: Facts) -> tuple[Finding, ...]:
    return tuple(_extension(one) for one in browsers if one.program)


def _extension(one: BrowserFacts) -> Finding:
    policy = f"eyelid browser policy --browser {one.name}"
    has = _carried(one)
    if not one.forced and not one.carrying and not one.connected:
        words = f"not installed, so its windows close the eye ({has})"
        return _lacking(one, words, "eyelid browser pack -o packed/", policy)
    if one.running and one.connected == 0:
        return wrong(
            f"the browser runs and its extension does not answer the recorder ({has}): its windows close the eye",
            f"end {one.title} and start it again",
            "eyelid browser status",
            of=one.title,
        )
    if one.forced and one.private:
        return good(f"installed by policy, private windows covered; {has}", of=one.title)
    if one.forced:
        return warning("installed by policy, but private windows escape it and close the eye", policy, of=one.title)
    return warning(f"{has}, and its user can remove it: no policy installs it", policy, of=one.title)


def _carried(one: BrowserFacts) -> str:
    if one.profiles:
        return f"in {one.carrying} of {several(one.profiles, 'profile')}"
    return "its profile lies elsewhere" if one.running else "it was never started by this user"


def others(browsers: tuple[BrowserFacts, ...], facts: Facts) -> tuple[Finding, ...]:
    named = facts.policy.extensions if isinstance(facts.policy, PolicyFacts) else ()
    return tuple(_others(one, named) for one in browsers if one.program)


def _others(one: BrowserFacts, named: tuple[str, ...]) -> Finding:
    """Extensions that are on and not named close the eye; where nothing blocks others, one may come any day."""
    policy = f"eyelid browser policy --browser {one.name}"
    unnamed = sorted(set(one.extensions or ()) - set(named))
    if unnamed:
        they = "an extension is" if len(unnamed) == 1 else f"{len(unnamed)} extensions are"
        return wrong(
            f"{they} switched on that the policy does not name, and the eye closes wherever one may be showing "
            f"something: {', '.join(unnamed)}",
            f"remove those that are not needed; block others: {policy}",
            "name under allow_extensions what a person has looked at and found harmless",
            of=one.title,
        )
    if not one.others_blocked:
        words = "no browser policy blocks extensions that Eyelid's policy does not name; each would close the eye"
        return warning(words, policy, of=one.title)
    if one.extensions is None:
        return good("only those that IT names can be installed", of=one.title)
    count = several(len(one.extensions), "other") if one.extensions else "no other"
    return good(f"{count} switched on, all named; only those that IT names can be installed", of=one.title)


def previews(browsers: tuple[BrowserFacts, ...], facts: Facts) -> tuple[Finding, ...]:
    relied_on = isinstance(facts.policy, PolicyFacts) and facts.policy.parked_tabs
    return tuple(_previews(one, relied_on) for one in browsers if one.program)


def _previews(one: BrowserFacts, relied_on: bool) -> Finding:
    off = {
        "firefox": "eyelid browser policy --browser firefox",
        "edge": "eyelid browser policy --browser edge",
    }.get(one.name, "chrome://settings/appearance: switch off 'Show tab preview images'")
    if one.previews_off:
        return good("pictures of tabs are off", of=one.title)
    if not relied_on:
        words = "on" if one.previews_off is False else "cannot be told from here"
        return beside(
            f"pictures of tabs: {words}; the policy counts a parked tab as shown, so nothing depends on it",
            of=one.title,
        )
    if one.previews_off is None:
        return warning(
            "the policy says `parked_tabs: allow`; whether tabs show pictures is not known yet", off, of=one.title
        )
    return wrong(
        "the policy says `parked_tabs: allow`, and this browser shows pictures of parked tabs", off, of=one.title
    )


def marks(recorder: RecorderFacts, _: Facts) -> Finding:
    """How often the picture did not soon show that a sensitive page had gone: until it does, the eye stays closed."""
    counts = None if recorder.status is None else recorder.status.get("marks")
    if not isinstance(counts, dict):
        return beside("how sensitive pages leave the picture is known while the recorder runs")
    seen, late = int(counts["seen"]), int(counts["late"])
    words = f"{several(seen, 'page')} seen to have left the picture, {late} of them after more than 2 s"
    if counts["waiting"]:
        step = "see what covers the browser's corners: the eye opens once the mark is seen, or the page is closed"
        return warning(f"a page that was sensitive is not seen to have left the picture yet ({words})", step)
    return warning(words, "eyelid status --watch") if 10 * late > seen else good(words)


CHECKS: Final = (
    Check("browsers", GROUP, "browsers", "browsers", which),
    Check("sandboxed-browser", GROUP, "sandbox", "browsers", sandbox),
    Check("browser-relay", GROUP, "relay", "browsers", relay),
    Check("browser-extension", GROUP, "extension", "browsers", extension),
    Check("browser-others", GROUP, "add-ons", "browsers", others),
    Check("browser-previews", GROUP, "tab previews", "browsers", previews),
    Check("browser-marks", GROUP, "old pictures", "recorder", marks),
)
