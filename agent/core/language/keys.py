"""The words of the policy language: which keys there are, what each means, what may stand there.

The parser refuses what is not listed here, and the schema that editors complete from is made of the same lists.
"""

from __future__ import annotations

from typing import Final

from protocol.language.joined import LANGUAGE
from protocol.language.keys import (
    TRUTH,
    WORD,
    WORDS,
    Key,
    Keys,
    Shape,
    list_of,
    one_key_schema,
    one_of,
    ref,
    table_schema,
)

# Names of Eyelid's own rules: in reasons and in the ledger they stand beside the policy's ids.
OWN_RULES: Final = (
    "blind",
    "unreadable",
    "web-engine",
    "unseen-page",
    "remote-display",
    "overview",
    "unlisted",
    "not-allowed",
    "not-recorded",
)

# Values of `autocomplete` (HTML, section 4.10.18.7, "Autofill detail tokens"): the field names a page gives its inputs.
# fmt: off
AUTOFILL: Final = (
    "name", "honorific-prefix", "given-name", "additional-name", "family-name", "honorific-suffix", "nickname",
    "username", "new-password", "current-password", "one-time-code", "organization-title", "organization",
    "street-address", "address-line1", "address-line2", "address-line3", "address-level4", "address-level3",
    "address-level2", "address-level1", "country", "country-name", "postal-code", "cc-name", "cc-given-name",
    "cc-additional-name", "cc-family-name", "cc-number", "cc-exp", "cc-exp-month", "cc-exp-year", "cc-csc", "cc-type",
    "transaction-currency", "transaction-amount", "language", "bday", "bday-day", "bday-month", "bday-year", "sex",
    "url", "photo", "tel", "tel-country-code", "tel-national", "tel-area-code", "tel-local", "tel-local-prefix",
    "tel-local-suffix", "tel-extension", "email", "impp", "webauthn",
)
# fmt: on

DURATION: Final[Shape] = {"type": "string", "pattern": "^[0-9]+(ms|s|m)$"}
# An alarm for a rule that never fits: after so many days of looking, or never.
DAYS: Final[Shape] = {"type": "string", "pattern": "^([1-9][0-9]{0,2}d|ignore)$"}
ID: Final = r"[a-z0-9]+(-[a-z0-9]+)*"
# As browsers name extensions: Chromium, Chrome and Edge by 32 letters from a to p (the key's hash), Firefox by what the
# extension calls itself, like an address of e-mail or a GUID in braces.
CHROMIUM_EXTENSION: Final = "[a-p]{32}"
FIREFOX_EXTENSION: Final = r"\{[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}|[a-zA-Z0-9._-]*@[a-zA-Z0-9._-]+"


POLICY: Final[Keys] = {
    "schema": Key("The version of the policy language. Always 1; not yours to count.", {"const": LANGUAGE}, True),
    "revision": Key(
        "Yours: count it up at every change. Only a higher revision comes into force.",
        {"type": "integer", "minimum": 1},
    ),
    "name": Key("What people call this policy.", WORD),
    "record_when": Key(
        "always, or any: [...] to record only while one of these windows or pages is open.",
        {"anyOf": [one_of("always"), ref("record_when")]},
    ),
    "keep_recording": Key("How long recording goes on after the last sign named by record_when.", DURATION),
    "unlisted": Key(
        "What happens while a window is shown that no rule and no record_when names.", one_of("record", "close")
    ),
    "allow": Key(
        "Only these applications and pages: while anything else is in view, nothing is kept. Rules close all the same. "
        "Where several files have it, each must name what is kept.",
        list_of("allowed"),
    ),
    "never_matched": Key(
        "After how many days an alarm is raised for a rule of this file that has fitted nothing: 30d unless it says "
        "otherwise, ignore for never. Days on which the recorder looked count.",
        DAYS,
    ),
    "rules": Key("What closes the eye. Every rule is asked; pause beats record.", list_of("rule")),
    "allow_unseen": Key(
        "Windows and pages that Eyelid cannot look into, looked at by a person and known to be harmless.",
        list_of("unseen"),
    ),
    "allow_extensions": Key(
        "Other extensions of browsers, by their ids, looked at by a person and known to show nothing sensitive in "
        "their popups and panels. While one that is not named is switched on, the eye closes wherever it may be "
        "showing something.",
        {
            "type": "array",
            "items": {"type": "string", "pattern": f"^({CHROMIUM_EXTENSION}|{FIREFOX_EXTENSION})$"},
            "minItems": 1,
        },
    ),
    "parked_tabs": Key(
        "Whether a sensitive tab behind another one may be recorded over. allow only where tab previews are off.",
        one_of("close", "allow"),
    ),
    "user_hold": Key(
        "Whether the person who is recorded may stop recording for a while. Without it they may, as long as they like.",
        ref("user_hold"),
    ),
    "keep_scenes": Key(
        "true: the titles of all windows and the whole addresses of all pages that are open are kept as well, sealed "
        "like the pictures, also while the eye is closed. Only so can another policy be tried on what was recorded.",
        TRUTH,
    ),
    "tests": Key("Examples that must hold, or the policy does not come into force.", list_of("test")),
}

USER_HOLD: Final[Keys] = {
    "allow": Key("true, or false: the agent cannot stop recording.", {"type": "boolean"}),
    "max": Key("How long one hold may last; it then ends by itself.", DURATION),
    "reasons": Key(
        "What they choose from; the ledger names the one they chose.",
        {"type": "array", "items": {**WORD, "maxLength": 40}, "minItems": 1, "maxItems": 12},
    ),
}

RULE: Final[Keys] = {
    "id": Key(
        "A short name for reports: small letters, digits and hyphens.",
        {"type": "string", "pattern": f"^{ID}$", "maxLength": 64},
        True,
    ),
    "why": Key("The reason, for those who ask later.", WORD, True),
    "any": Key("The rule speaks when one of these fits.", list_of("condition"), True),
    "unless": Key("The rule keeps silent when one of these fits the same window or page.", list_of("condition")),
    "screen": Key("What happens to the screen. pause: shown is the default.", ref("lane")),
    "audio": Key("What happens to the sound. pause: shown with lead: 3s is the default.", ref("lane")),
    "stay_closed": Key("How long the eye stays closed after the last sign of it.", DURATION),
    "max_pause": Key("How long it may close without a break before an alarm is raised. It goes on closing.", DURATION),
    "never_matched": Key("As for the whole file, for this rule alone: such as 90d, or ignore.", DAYS),
    "dry_run": Key("true: it closes nothing, and Eyelid counts when it would have. For trying a new rule.", TRUTH),
}

LANE: Final[Keys] = {
    "pause": Key(
        "shown: while it is in view. open: also while it is only open in the background.",
        one_of("shown", "open"),
        True,
    ),
    "lead": Key("How much is dropped from before the first sign: numbers are spoken before the form opens.", DURATION),
}

RECORD_WHEN: Final[Keys] = {
    "any": Key("Record while one of these is open.", list_of("condition"), True),
}

WINDOW_MATCHERS: Final[Keys] = {
    "app": Key("The program's process name, without folder and .exe; * and ? are wildcards.", WORDS),
    "title": Key("The whole window title, without case; * and ? are wildcards.", WORDS),
}
URL_MATCHER: Final[Keys] = {
    "url": Key("Addresses as in Chrome's URLBlocklist: a host covers its subdomains, a path is a prefix.", WORDS),
}
PAGE_MATCHERS: Final[Keys] = {
    **URL_MATCHER,
    "field": Key(
        "Form fields by their HTML autofill name.",
        {"type": "array", "items": one_of(*AUTOFILL), "minItems": 1},
    ),
    "css": Key("CSS selectors of anything on the page.", WORDS),
}
MATCHERS: Final[Keys] = {**WINDOW_MATCHERS, **PAGE_MATCHERS}
CONDITION: Final[Keys] = {
    **MATCHERS,
    "all": Key("All of these must fit the same window, or the same page.", list_of("matcher")),
}
UNSEEN: Final[Keys] = {**WINDOW_MATCHERS, **URL_MATCHER}
# What may be kept is named by what it is, never by what it has in it: any page may have a field.
ALLOWED: Final[Keys] = {
    **UNSEEN,
    "all": Key("All of these must fit the same window, or the same page.", list_of("unseen")),
}

SEEN: Final[Keys] = {
    "page": Key("The address of a page.", WORD),
    "frames": Key("The addresses of the frames inside the page.", WORDS),
    "field": PAGE_MATCHERS["field"],
    "css": PAGE_MATCHERS["css"],
    "app": Key("The process name of a window.", WORD),
    "title": Key("The title of a window.", {"type": "string"}),
    "when": Key("shown (the default), or open: only open in the background.", one_of("shown", "open")),
}
TEST: Final[Keys] = {
    "name": Key("What the example shows.", WORD, True),
    **SEEN,
    "beside": Key("What else is open at the same time.", list_of("seen")),
    "expect": Key("What must happen to the screen, to the audio or both.", ref("expect"), True),
}
EXPECT: Final[Keys] = {
    "screen": Key("pause or record.", one_of("pause", "record")),
    "audio": Key("pause or record.", one_of("pause", "record")),
}


def schema() -> dict[str, object]:
    """The policy language as JSON Schema draft 7, which editors' YAML plugins understand."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Eyelid policy",
        "description": "One file of a policy. All *.yaml files of a folder are one policy.",
        **table_schema(POLICY),
        "definitions": {
            "rule": table_schema(RULE),
            "lane": {"anyOf": [one_of("pause", "record"), table_schema(LANE)]},
            "record_when": table_schema(RECORD_WHEN),
            "user_hold": table_schema(USER_HOLD),
            "condition": one_key_schema(CONDITION),
            "matcher": one_key_schema(MATCHERS),
            "unseen": one_key_schema(UNSEEN),
            "allowed": one_key_schema(ALLOWED),
            "test": table_schema(TEST),
            "seen": table_schema(SEEN),
            "expect": {**table_schema(EXPECT), "minProperties": 1},
        },
    }
