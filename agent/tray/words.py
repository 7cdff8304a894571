"""What the icon says, in the person's language. The sentences are data (catalogue/*.json); here they get figures."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from importlib.resources import files
from math import ceil
from typing import Final

from agent.tray.icon_state import Call, IconState, Lid, Mark, Status

LANGUAGES: Final = ("en", "de")
FRESH: Final = 10.0  # seconds; below it an age is not counted out, so that the menu stands still while all is well


def language(environment: Mapping[str, str] = os.environ) -> str:
    """As the first of LC_ALL, LC_MESSAGES and LANG that is set says; English where it is none of ours."""
    named = next((environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), "")
    return next((known for known in LANGUAGES if named.casefold().startswith(known)), LANGUAGES[0])


def catalogue(language: str) -> dict[str, str]:
    text = files("agent.tray").joinpath("catalogue", f"{language}.json").read_text("utf-8")
    return dict(json.loads(text))


class Words:
    def __init__(self, language: str) -> None:
        self.language = language
        self._texts = catalogue(language)

    def say(self, key: str, **figures: object) -> str:
        return self._texts[key].format(**figures)

    # -- the state ------------------------------------------------------------------------------------------------

    def title(self, icon: IconState) -> str:
        """Of screen and call in a few words."""
        if icon.unclear:
            return self.say("title.unclear")
        calls = [] if icon.call_topic == "moment" else [icon.call]
        calls += [Call.ON] if icon.call is Call.PART else []  # where one end of it is as good as all
        names = [*(f"title.{icon.lid}.{call}" for call in calls), f"title.{icon.lid}"]
        title = self.say(next(name for name in names if name in self._texts))
        return self.say("title.troubled", title=title) if icon.troubles and icon.mark is Mark.WARNING else title

    def sentence(self, icon: IconState, status: Status | None) -> str:
        """What is happening to the screen and to the call."""
        if status is None:
            return self.say(f"sentence.{icon.topic}")
        hold, topic = status["hold"], icon.topic
        if topic == "open" and icon.call is Call.ON:
            topic = "open.call"
        if topic == "user" and (hold is None or hold["left_s"] is None):
            topic = "user.open-ended"
        left = "" if hold is None or hold["left_s"] is None else self.left(hold["left_s"])
        since = self._clock(time.time() - status["since_s"])
        rules = self.rules(status["rules"], status.get("why", {}))
        figures = {"since": since, "rules": rules, "left": left}
        figures |= {"call": self.call(icon, status), "kept": self._kept(icon, status)}
        return self._of(f"sentence.{topic}", "sentence.blind.blind", **figures)

    def call(self, icon: IconState, status: Status) -> str:
        """What becomes of the call, in a sentence; "" where it is recorded as it should be."""
        if icon.call is Call.ON or icon.call_topic == "off":
            return ""
        return self._of(f"call.{icon.call_topic}", self._deaf(icon), rules=self._rules_of_call(status))

    def _kept(self, icon: IconState, status: Status) -> str:
        """What of screen and call is kept while the screen is not."""
        match icon.call:
            case Call.NOT_WANTED:
                return self.say("kept.nothing")
            case Call.ON:
                return self.say("kept.call")
            case Call.PART:
                return f"{self.say('kept.call')} {self.say(self._deaf(icon))}"
            case Call.DEAF:
                return f"{self.say('kept.screen')} {self.say(self._deaf(icon))}"
        return self._of(f"kept.{icon.call_topic}", "kept.neither", rules=self._rules_of_call(status))

    def _deaf(self, icon: IconState) -> str:
        return icon.call_topic if icon.call_topic in self._texts else "deaf.silent"

    def _rules_of_call(self, status: Status) -> str:
        sound = status["sound"]
        if sound is None:
            return ""
        return self.rules((rule for rule in sound["rules"] if rule not in status["rules"]), status.get("why", {}))

    def advice(self, icon: IconState) -> str:
        """What a person can do; "" where nothing is to be done."""
        of_lid = icon.lid in {Lid.FAULT, Lid.GONE} or icon.unclear
        said = [self._of(f"advice.{icon.topic}", "advice.blind.blind")] if of_lid else []
        said += [self.say(f"advice.{self._deaf(icon)}")] if icon.call in {Call.DEAF, Call.PART} else []
        return " ".join(dict.fromkeys(said))

    def troubled(self, icon: IconState) -> str:
        """What IT must mend although the lid is as it should be; "" where there is nothing."""
        return self.say("sentence.troubled", codes=", ".join(icon.troubles)) if icon.troubles else ""

    def offline(self, status: Status | None) -> str:
        """ "" while the store answers."""
        if status is None or status["offline_s"] is None:
            return ""
        waiting = max(status["waiting_s"] or 0.0, status["offline_s"])
        return self.say("sentence.offline", silence=self.length(status["offline_s"]), waiting=self.length(waiting))

    def evidence(self, status: Status) -> str:
        """How old the last sealed chunk of each lane is, and the store's last word."""
        # A recorder of another version may not say it of each lane.
        sealed = self.age(status.get("pictures_ago_s", status["sealed_ago_s"]))
        receipt, sound = self.age(status["receipt_ago_s"]), status["sound"]
        if sound is None or "sealed_ago_s" not in sound:
            return self.say("menu.evidence", sealed=sealed, receipt=receipt)
        return self.say("menu.evidence.call", sealed=sealed, call=self.age(sound["sealed_ago_s"]), receipt=receipt)

    def _of(self, key: str, otherwise: str, **figures: object) -> str:
        """A recorder of another version may have a rule of its own that is not known here."""
        return self.say(key if key in self._texts else otherwise, **figures)

    # -- parts of sentences ---------------------------------------------------------------------------------------

    def rules(self, names: Iterable[str], why: Mapping[str, str]) -> str:
        """What closes the eye: Eyelid's own reasons, and of the policy's rules the reason that the policy gives.

        `why`: by id; a rule of an earlier policy, or a recorder of another version, may have none.
        """

        def said(name: str) -> str:
            if name == "not-allowed" and name in why:
                return self.say("rule.not-allowed.names", names=why[name])
            of_policy = why.get(name) or self.say("rule.of-policy", name=name)
            return self._texts.get(f"rule.{name}", of_policy)

        return self.say("list.reasons").join(dict.fromkeys(map(said, names)))

    def holds(self, names: Iterable[str]) -> str:
        return self.say("list.and").join(self._texts.get(f"hold.{name}", name) for name in names)

    def reason(self, name: str, *, own: bool) -> str:
        """`own`: one of Eyelid's; the policy's are shown as they are written there."""
        return self._texts.get(f"reason.{name}", name) if own else name

    def age(self, seconds: float | None) -> str:
        if seconds is None:
            return self.say("age.none")
        return self.say("age.fresh") if seconds < FRESH else self.say("age.ago", length=self.length(seconds))

    def length(self, seconds: float) -> str:
        if seconds < 90:
            return self.say("length.seconds", n=round(seconds))
        if seconds < 5400:
            return self.say("length.minutes", n=round(seconds / 60))
        return self.say("length.hours", n=f"{seconds / 3600:.1f}")

    def left(self, seconds: float) -> str:
        """In whole minutes, so that it does not count down before one's eyes."""
        return self.say("length.minutes", n=ceil(seconds / 60)) if seconds > 60 else self.say("length.moment")

    def pause(self, pause: Mapping[str, object], *, now: float) -> str:
        """`pause` as the recorder tells it; `now`: seconds since 1970."""
        began, length, kind = float(str(pause["began"])), float(str(pause["s"])), pause["kind"]
        names = [str(name) for name in pause["names"]] if isinstance(pause["names"], list | tuple) else []
        if kind == "held":
            why = self.holds(names)
        else:
            why = self.rules(names, _texts_in(pause.get("why"))) if names else self.say("menu.pause.blind")
        if began + length > now - 2:
            return self.say("menu.pause.now", why=why, **{"from": self._clock(began)})
        ended = self._clock(began + length)
        return self.say("menu.pause", why=why, to=ended, length=self.length(length), **{"from": self._clock(began)})

    @staticmethod
    def _clock(at: float) -> str:
        return datetime.fromtimestamp(at).astimezone().strftime("%H:%M")


def _texts_in(said: object) -> dict[str, str]:
    return {str(name): str(text) for name, text in said.items()} if isinstance(said, dict) else {}
