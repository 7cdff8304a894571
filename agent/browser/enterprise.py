"""The enterprise policy that makes a browser carry the extension, and what the policy on this PC says of it already.

Names and meanings: https://chromeenterprise.google/policies (checked against the list inside Chromium 156),
https://learn.microsoft.com/deployedge/microsoft-edge-policies, https://firefox-admin-docs.mozilla.org (checked
against the schema inside Firefox ESR 153).

- Chromium and Chrome have no policy for the pictures in tab hover cards, only the user's own setting
  `browser.hovercard.image_previews_enabled`. Edge has ShowTabPreviewEnabled (from 141, Windows and macOS).
- A force-installed extension is not in private windows. The two Mandatory... policies keep a private window from
  opening any page until the user has allowed the extension there (Edge: from 139).
- Edge's sidebar shows web pages that no window of tabs accounts for.
- Firefox has no policy for native messaging.
- "*" blocks every extension that is not named, also those that are installed already (docs/decisions/0031). IT adds an
  entry for each that the policy's `allow_extensions` names.
- A browser shows the passwords and cards that it has saved in bubbles that no witness can look into: both are off.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agent.browser import places
from agent.browser.manifests import FIREFOX_ID, HOST_NAME
from agent.browser.places import Browser

EXAMPLE_UPDATE_URL: Final = "https://eyelid.example.com/browser/update.xml"
EXAMPLE_XPI_URL: Final = "https://eyelid.example.com/browser/eyelid.xpi"

_PRIVATE_POLICY: Final = {
    "chromium": "MandatoryExtensionsForIncognitoNavigation",
    "chrome": "MandatoryExtensionsForIncognitoNavigation",
    "edge": "MandatoryExtensionsForInPrivateNavigation",
}
_PRIVATE_OFF: Final = {
    "chromium": "IncognitoModeAvailability",
    "chrome": "IncognitoModeAvailability",
    "edge": "InPrivateModeAvailability",
}
_HOVER_PREVIEW: Final = "browser.tabs.hoverPreview.enabled"


def policy(browser: Browser, chromium_id: str, update_url: str, xpi_url: str) -> dict[str, Any]:
    """What IT puts in force for this browser, as the JSON file of Linux has it."""
    if browser.family == "firefox":
        return {
            "policies": {
                "ExtensionSettings": {
                    FIREFOX_ID: {
                        "installation_mode": "force_installed",
                        "install_url": xpi_url,
                        "private_browsing": True,
                    },
                    "*": {"installation_mode": "blocked"},
                },
                "PasswordManagerEnabled": False,
                "AutofillCreditCardEnabled": False,
                "GenerativeAI": {"Enabled": False},  # its chatbot is a web page in the sidebar, in no tab
                "Preferences": {_HOVER_PREVIEW: {"Value": False, "Status": "locked", "Type": "boolean"}},
            }
        }
    entry = {
        "installation_mode": "force_installed",
        "update_url": update_url,
        # The packed manifest names no address of its own: without this the first version would stay for ever.
        "override_update_url": True,
    }
    content: dict[str, Any] = {
        "ExtensionSettings": {chromium_id: entry, "*": {"installation_mode": "blocked"}},
        "PasswordManagerEnabled": False,
        "AutofillCreditCardEnabled": False,
        "NativeMessagingBlocklist": ["*"],
        "NativeMessagingAllowlist": [HOST_NAME],
        "NativeMessagingUserLevelHosts": False,
        _PRIVATE_POLICY[browser.name]: [chromium_id],
    }
    if browser.name == "edge":
        content |= {"HubsSidebarEnabled": False, "ShowTabPreviewEnabled": False}
    return content


@dataclass(frozen=True, slots=True)
class InForce:
    """What this PC's policy says for us. `previews_off` is None where the browser has no policy for it."""

    files: tuple[Path, ...]
    extension: bool = False  # installed by force
    others_blocked: bool = False  # no extension comes that it does not name
    private: bool = False  # no private window escapes
    previews_off: bool | None = None
    user_manifests: bool = True  # the browser heeds manifests of a single user
    relay: bool = True  # the browser may start the relay
    unread: tuple[Path, ...] = ()  # files that are no policy; a browser ignores them too


def in_force(browser: Browser, ids: Sequence[str]) -> InForce:
    """Reads the files of policy as this browser would. `ids`: whom the manifest lets in."""
    files = places.policy_files(browser)
    merged: dict[str, Any] = {}
    unread = []
    for path in files:
        try:
            content = json.loads(path.read_bytes())
            merged |= content["policies"] if browser.family == "firefox" else content
        except (OSError, ValueError, TypeError, KeyError):
            unread.append(path)
    settings = _mapping(merged, "ExtensionSettings")
    forced = [id_ for id_ in ids if _mapping(settings, id_).get("installation_mode") == "force_installed"]
    if browser.family == "firefox":
        preference = _mapping(_mapping(merged, "Preferences"), _HOVER_PREVIEW)
        return InForce(
            tuple(files),
            extension=bool(forced),
            others_blocked=_blocks_others(settings),
            private=any(_mapping(settings, id_).get("private_browsing") is True for id_ in forced)
            or merged.get("DisablePrivateBrowsing") is True
            or merged.get("PrivateBrowsingModeAvailability") == 1,
            previews_off=preference.get("Value") is False and preference.get("Status") == "locked",
            unread=tuple(unread),
        )
    listed = [str(line).partition(";")[0] for line in _list(merged, "ExtensionInstallForcelist")]
    mandatory = _list(merged, _PRIVATE_POLICY[browser.name])
    blocked = {"*", HOST_NAME} & {str(name) for name in _list(merged, "NativeMessagingBlocklist")}
    return InForce(
        tuple(files),
        extension=bool(forced) or any(id_ in listed for id_ in ids),
        others_blocked=_blocks_others(settings) or "*" in _list(merged, "ExtensionInstallBlocklist"),
        private=any(id_ in mandatory for id_ in ids) or merged.get(_PRIVATE_OFF[browser.name]) == 1,
        previews_off=merged.get("ShowTabPreviewEnabled") is False if browser.name == "edge" else None,
        user_manifests=merged.get("NativeMessagingUserLevelHosts") is not False,
        relay=not blocked or HOST_NAME in _list(merged, "NativeMessagingAllowlist"),
        unread=tuple(unread),
    )


def _blocks_others(settings: Mapping[str, Any]) -> bool:
    return _mapping(settings, "*").get("installation_mode") == "blocked"


def _mapping(content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = content.get(key)
    return value if isinstance(value, Mapping) else {}


def _list(content: Mapping[str, Any], key: str) -> list[Any]:
    value = content.get(key)
    return value if isinstance(value, list) else []
