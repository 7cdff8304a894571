"""What the recorder itself, its settings, its keys and its policy come to."""

from __future__ import annotations

from shlex import quote
from typing import Final

from agent.doctor.facts import Facts, KeysFacts, PolicyFacts, RecorderFacts, SettingsFacts, UnitsFacts
from agent.doctor.findings import Check, Finding, beside, good, warning, wrong
from agent.doctor.judge.words import DAY, day, several, span

GROUP: Final = "Eyelid"

OLD: Final = 365 * DAY
OTHERS: Final = 0o077


def recorder(recorder: RecorderFacts, facts: Facts) -> Finding:
    if recorder.status is None:
        by_unit = isinstance(facts.units, UnitsFacts) and facts.units.enabled.startswith("enabled")
        start = "systemctl --user start eyelid.service" if by_unit else "eyelid run"
        return wrong(f"none runs here: {recorder.words.partition(';')[0]}", start)
    status = recorder.status
    running = str(status.get("version", recorder.version))
    if running != recorder.version:
        return warning(
            f"version {running} runs, {recorder.version} is installed", "systemctl --user restart eyelid.service"
        )
    said = {
        "recording": "it records",
        "closed": f"rightly closed by {', '.join(status['rules'])}",
        "blind": f"closed, because something in view cannot be judged: {', '.join(status['rules'] or status['holds'])}",
        "held": f"on hold: {', '.join(status['holds'])}",
        "stalled": "the eye is open, and nothing of the screen reaches the disk",
        "stopping": "it is ending",
    }[str(status["state"])]
    deaf = "" if status["sound"] is None else status["sound"].get("fault", "")
    if deaf:
        said += f"; the call, or an end of it, is not recorded: {deaf}"
    if status["troubles"]:
        return warning(f"{said}; troubles: {', '.join(status['troubles'])}", "eyelid status")
    if status["state"] in {"recording", "closed"} and not deaf:
        return good(said)
    return warning(said, "eyelid status", "eyelid windows")


def others(recorder: RecorderFacts, _: Facts) -> Finding:
    if not recorder.others:
        return good("no other recorder of this user")
    numbers = ",".join(map(str, recorder.others[:3]))  # where there are more, three show as well whose they are
    what = several(len(recorder.others), "more recorder")
    more = " and others" if len(recorder.others) > 3 else ""
    return warning(
        f"{what} of this user, in another home (process {numbers}{more})",
        f"ps -o pid,lstart,args -p {numbers.replace(' ', ',')}",
    )


def settings(settings: SettingsFacts, _: Facts) -> Finding:
    if settings.mistakes:
        mistakes = several(len(settings.mistakes), "mistake")
        return wrong(
            f"{mistakes}, so that Eyelid does not start; what follows is judged by the defaults",
            *settings.mistakes[:5],
            f"eyelid config check {settings.file or 'FILE'}",
        )
    if settings.open_password:
        return warning(
            f"{settings.open_password} holds a proxy's password, and every user of this PC may read it",
            f"sudo chmod o-r {settings.open_password}",
        )
    return good(settings.file or "defaults, no file")


def keys(keys: KeysFacts, _: Facts) -> Finding:
    if not keys.enrolled:
        return wrong("this PC is not enrolled", "on the store's machine: eyelid-store enroll-token", "eyelid enroll")
    for file in keys.files:
        if not file.mine:
            return wrong(f"{file.path} belongs to another user", f"sudo chown -R $(id -un) {quote(str(keys.home))}")
        if file.mode & OTHERS:
            mode = "700" if file.path == keys.home else "600"
            return wrong(
                f"others may look into {file.path} (mode {file.mode:o})", f"chmod {mode} {quote(str(file.path))}"
            )
    if keys.trouble:
        return wrong(keys.trouble, "eyelid unenroll --force", "eyelid enroll")
    if keys.service:
        return wrong(keys.service, "systemctl status eyelid-keys.socket eyelid-keys.service")
    group = f" in group {keys.group}" if keys.group else ""
    where = f"the keys are in the service at {keys.socket}" if keys.socket else "only this user may read the keys"
    return good(f"enrolled as {keys.device}{group}; {where}")


def pins(keys: KeysFacts, _: Facts) -> Finding:
    if not keys.enrolled or keys.trouble:
        return beside("not looked at: there are no keys")
    return good(f"store key {keys.store_key}, compliance key {keys.compliance[:16]}, as the enrolment named them")


def policy(policy: PolicyFacts, facts: Facts) -> Finding:
    if policy.memory:
        return wrong(policy.memory)
    if policy.revision is None:
        return _mistaken(policy)
    said = f"revision {policy.revision}, {several(policy.rules, 'rule')}, hash {policy.hash[:12]}"
    another = policy.last is not None and policy.last[1] != policy.hash
    if policy.last is not None and another and policy.revision <= policy.last[0]:
        return wrong(
            f"{_source(policy)} has {said}, but revision {policy.last[0]} with another content was in force already",
            f"count `revision:` up to {policy.last[0] + 1} in {policy.folder}"
            if policy.bundle is None
            else f"ask compliance to sign it anew with `revision: {policy.last[0] + 1}`",
        )
    if another and isinstance(facts.recorder, RecorderFacts) and facts.recorder.status is not None:
        check = () if policy.bundle is not None else (f"eyelid policy check {quote(policy.folder)}",)
        return warning(f"{said} of {_source(policy)} is not in force yet", "eyelid status", *check)
    changed = "last changed" if policy.bundle is None else "signed"
    if policy.age > OLD:
        return warning(
            f"{said}: {changed} {span(policy.age)} ago", "ask compliance whether it still says what it should"
        )
    since = "" if policy.since is None or policy.bundle is not None else f", in force here since {day(policy.since)}"
    return good(f"{said}; {changed.removeprefix('last ')} {span(policy.age)} ago{since}")


def _source(policy: PolicyFacts) -> str:
    return policy.folder if policy.bundle is None else f"the signed policy of bundle {policy.bundle}"


def _mistaken(policy: PolicyFacts) -> Finding:
    stays = f"; revision {policy.last[0]} stays in force" if policy.last else ", and nothing is recorded"
    where = ", ".join(policy.places[:3]) + (" ..." if len(policy.places) > 3 else "")
    if policy.bundle is not None:
        return wrong(
            f"{_source(policy)} has {several(len(policy.places), 'mistake')} at {where}{stays}",
            "ask compliance to mend it and to sign it anew (eyelid-store bundle sign)",
        )
    folder = quote(policy.folder)
    check = f"eyelid policy check {folder}"
    if policy.places == (policy.folder,):
        begin = f"eyelid policy init payments --into {folder}"  # there is nothing to check yet
        return wrong(f"{policy.folder} has no policy in it, or cannot be read{stays}", f"ls -l {folder}", begin)
    return wrong(f"{several(len(policy.places), 'mistake')} at {where}{stays}", check)


def signed(policy: PolicyFacts, _: Facts) -> Finding:
    """Which policy counts here."""
    if policy.bundle is None:
        return beside("no policy came signed with the bundle: the folder's own counts")
    since = "" if policy.since is None else f", in force here since {day(policy.since)}"
    said = f"bundle {policy.bundle}, signed by the compliance key {policy.signer}{since}"
    if policy.beside == "older":
        return good(
            f"{said}; an older one (revision {policy.beside_revision}) lies in {policy.folder}: it is not asked"
        )
    if policy.beside != "another":
        return good(said)
    what = (
        "files with mistakes: they do not count"
        if policy.beside_revision is None
        else f"another policy (revision {policy.beside_revision}) without a signature: it does not count"
    )
    return warning(
        f"{said}; {policy.folder} holds {what}",
        f"ask who put it into {policy.folder}; where it is meant, compliance signs it, else it is removed",
        f"ls -l {quote(policy.folder)}",
    )


def guarded(policy: PolicyFacts, _: Facts) -> Finding:
    if policy.revision is None:
        return beside("not asked: there is no policy")
    if policy.bundle is not None:
        return good("it is signed: the agent who is recorded cannot change it")
    if policy.root:
        return beside("not judged: ask as the user who is recorded, not as root")
    if not policy.mine and policy.pinned:
        return good(f"{policy.folder} cannot be changed by this user")
    if not policy.mine:
        return warning(
            f"{policy.folder}: the agent who is recorded can name another folder",
            f"policies: {policy.folder} in /etc/eyelid/managed.yaml",
        )
    return warning(
        f"{policy.folder}: the agent who is recorded can change it",
        f"sudo install -m 644 -D -t /etc/eyelid/policies {quote(policy.folder)}/*.yaml",
        "policies: /etc/eyelid/policies in /etc/eyelid/managed.yaml",
    )


CHECKS: Final = (
    Check("settings", GROUP, "settings", "settings", settings),
    Check("keys", GROUP, "keys", "keys", keys),
    Check("pins", GROUP, "pins", "keys", pins),
    Check("policy", GROUP, "policy", "policy", policy),
    Check("policy-signed", GROUP, "policy's signature", "policy", signed),
    Check("policy-owner", GROUP, "policy's owner", "policy", guarded),
    Check("recorder", GROUP, "recorder", "recorder", recorder),
    Check("other-recorders", GROUP, "other recorders", "recorder", others),
)
