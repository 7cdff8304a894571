"""What compliance signs: the next bundle from the one before, on a laptop that has no store; and what a bundle says.

The compliance key never comes near the store. What is signed is a file; the store takes it and hands it out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, insert

from protocol import base64url, bundle, jws
from protocol.bundle import Bundle
from protocol.carried import LARGEST_FILE, carried, read_carried, split
from protocol.errors import KeyProblem
from protocol.keys import RecipientPublic
from protocol.language.folder import LARGEST_FOLDER, MOST_FILES, MOST_NODES
from protocol.policyhash import policy_hash
from store.catalog import schema
from store.catalog.inserting import add_if_new, put
from store.catalog.statements import newest_bundle
from store.errors import StoreError, WrongUsage
from store.evidence.rules import LEAST_NODES, UNREAD, RuleName, read_names, revision_in

_REVISION: Final = "`revision:`, a whole number"
TAKEN: Final = "bundle-put"  # of the audit trail
REFUSED: Final = "bundle-refused"


@dataclass(frozen=True, slots=True)
class Said:
    """A bundle and who signed it (the fingerprint of its key). `governance`: the files that it carries; none where it
    names none, or where they did not come with it."""

    token: str
    signer: str
    bundle: Bundle
    governance: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        return bool(self.governance) or not self.bundle.governance

    @property
    def text(self) -> str:
        """What its file says."""
        return "\n".join((self.token, carried(self.governance))) if self.governance else self.token

    @property
    def governance_revision(self) -> int | None:
        return _revision_of(self.governance)

    @property
    def policy(self) -> str:
        """Hash of its policy; "" where it has none, so that each PC's own folder counts."""
        files = self.bundle.policy_files
        return policy_hash({name: text.encode("utf-8") for name, text in files.items()}) if files else ""

    @property
    def rules(self) -> tuple[RuleName, ...]:
        return read_names(self.bundle.policy_files).rules


def read_bundle(path: Path, signer: str | None = None) -> Said:
    """A bundle from its file. Raises StoreError, ProtocolError; wrong-fingerprint for another signer than `signer`."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from None
    try:
        return said(*split(content.decode("ascii")), signer)
    except UnicodeDecodeError:
        raise StoreError(f"{path} is no bundle: `eyelid-store bundle show --save FILE` writes one") from None


def said(token: str, behind: str = "", signer: str | None = None) -> Said:
    """`behind`: what it carries. `signer`: fingerprint of the key that must have signed it; by default the one that it
    names itself.

    Raises ProtocolError.
    """
    own = str(jws.read_header(jws.BUNDLE, token, with_key=True)["kid"])
    made = bundle.verify(token, signer or own)
    return Said(token, own, made, read_carried(behind, made.governance) if behind else {})


# -- signing ------------------------------------------------------------------------------------------------------


def read_policies(folder: Path) -> dict[str, str]:
    """The policy files (*.yaml) of a folder. Raises WrongUsage for one that cannot be a policy.

    What their rules say is the agent's to check (store.commands.siblings): here only what breaks any reader.
    """
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == ".yaml" and path.is_file())
        contents = {path.name: path.read_bytes() for path in paths}
    except OSError as error:
        raise WrongUsage(f"{folder} cannot be read: {error.strerror}") from None
    if not contents:
        raise WrongUsage(f"{folder} holds no policy: its files must end in .yaml")
    if sum(map(len, contents.values())) > LARGEST_FOLDER:
        raise WrongUsage(f"{folder}: the policy files together are larger than {LARGEST_FOLDER} bytes")
    if len(contents) > MOST_FILES:
        raise WrongUsage(f"{folder}: these are more than {MOST_FILES} policy files")
    texts: dict[str, str] = {}
    for name, content in contents.items():
        try:
            texts[name] = content.decode("utf-8")
            lines = texts[name].rstrip().splitlines()
            if not lines or lines[-1] != "...":
                raise WrongUsage(f"{folder / name}: the last line must be ... so that half a file is never a policy")
            yaml.compose(texts[name], Loader=yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader)
        except UnicodeDecodeError:
            raise WrongUsage(f"{folder / name} is not text in UTF-8") from None
        except (yaml.YAMLError, RecursionError):
            raise WrongUsage(f"{folder / name} is not YAML: `eyelid policy check` says where") from None
    if read_names(texts) is UNREAD:
        most = f"{MOST_NODES} words, lists and tables and {MOST_NODES // LEAST_NODES} rules"
        raise WrongUsage(f"{folder}: the policy is longer than {most}")
    return texts


def read_reader(path: Path) -> RecipientPublic:
    """A reader's public key from its file: base64url of its bytes. Raises StoreError."""
    try:
        text = path.read_text("ascii").strip()
        return RecipientPublic.from_bytes(base64url.decode(text))
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, KeyProblem):
        raise StoreError(f"{path} is no reader's public key: `eyelid-store bundle reader` makes one") from None


@dataclass(frozen=True, slots=True)
class CheckedGovernance:
    """What was found without a mistake (store.commands.siblings), or nothing."""

    files: Mapping[str, bytes] = field(default_factory=dict)
    notice: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What the next bundle has otherwise than the one before. `policies`, `governance`: None leaves it as it is."""

    policies: Mapping[str, str] | None = None
    governance: CheckedGovernance | None = None
    add: Sequence[RecipientPublic] = ()
    remove: Sequence[str] = ()  # key ids, or the beginnings of them


def next_bundle(said_before: Said, change: Change, now: int) -> tuple[Bundle, Mapping[str, bytes]]:
    """(the bundle, the governance files that it carries).

    Raises WrongUsage for a change that no PC would take, that puts older rules back, or that changes nothing.
    """
    before = said_before.bundle
    readers = {reader.key_id: reader for reader in before.recipients}
    for prefix in change.remove:
        found = [key for key in readers if prefix and key.startswith(prefix)]
        if len(found) != 1:
            raise WrongUsage(f"--remove-reader {prefix}: {len(found)} readers of the bundle before begin so")
        del readers[found[0]]
    for reader in change.add:
        if reader.key_id in readers:
            raise WrongUsage(f"--add-reader: {reader.key_id} is a reader already")
        readers[reader.key_id] = reader
    if not readers:
        raise WrongUsage("without a reader no recording could ever be opened: add one before you remove the last")
    policies = before.policy_files if change.policies is None else change.policies
    if policies != before.policy_files:
        _check_revision(before.policy_files, policies)
    governance = change.governance or CheckedGovernance(said_before.governance, before.notice)
    rules = policy_hash(governance.files) if governance.files else ""
    if governance.files or change.governance is None:
        _check_governance(said_before, governance.files, rules)
    made = Bundle(before.revision + 1, tuple(readers.values()), now, dict(policies), rules, governance.notice)
    same_readers = set(readers) == {reader.key_id for reader in before.recipients}
    if same_readers and made == replace(before, revision=made.revision, created=now, recipients=made.recipients):
        wanted = "--policies, --no-policy, --governance, --no-governance, --add-reader or --remove-reader"
        raise WrongUsage(f"nothing would change: give {wanted}")
    return made, governance.files


def _check_governance(before: Said, files: Mapping[str, bytes], rules: str) -> None:
    """The custodian takes changed rules only with a higher revision of their own, so that none come back unseen."""
    if not before.whole:
        raise WrongUsage(
            "the bundle before has governance, and its file has none of the files: take the file that `bundle sign` "
            "wrote, or sign one with --no-governance first"
        )
    old, new = before.governance_revision, _revision_of(files)
    if rules != before.bundle.governance and (new is None or new <= (old or 0)):
        said = f"its `revision:` is {new}, after {old} in the bundle before" if new else f"says no {_REVISION}"
        raise WrongUsage(f"the governance has changed and {said}: write {(old or 0) + 1}")


def _check_revision(before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """PCs take a changed policy only with a higher revision of its own: better told here than on every PC."""
    old, new = revision_in(before), revision_in(after)
    if not after:
        return
    if new is None:
        raise WrongUsage(f"the policy says no {_REVISION}: `eyelid policy check` tells what else is wrong")
    if old is not None and new <= old:
        raise WrongUsage(
            f"the policy has changed and its `revision:` is {new}, after {old} in the bundle before: write "
            f"{old + 1}, or no PC puts it in force"
        )


def _revision_of(governance: Mapping[str, bytes]) -> int | None:
    return revision_in({name: content.decode("utf-8") for name, content in governance.items()})


def vanished(before: Bundle, after: Bundle) -> tuple[str, ...]:
    """Ids of rules that the policy before had and the one after has not."""
    kept = {rule.id for rule in read_names(after.policy_files).rules}
    return tuple(rule.id for rule in read_names(before.policy_files).rules if rule.id not in kept)


def sign(made: Bundle, key: Ed25519PrivateKey) -> str:
    return bundle.sign(made, key)


# -- taking it over -----------------------------------------------------------------------------------------------


def take(connection: Connection, offered: Said, *, operator: str, at: int) -> str:
    """Put the bundle into the catalog: "" when it is the newest now or was before, else why it is refused.

    Both are entries of the audit trail; a refused one changes nothing else. Files of the newest that had gone, or were
    damaged, are put back.
    """
    newest = newest_bundle(connection)
    refused = ""
    if newest is not None and offered.token != newest[1] and offered.bundle.revision <= newest[0]:
        refused = (
            f"its revision is {offered.bundle.revision} and the store hands out {newest[0]} already: a bundle's "
            "revision must rise with every change, so that an older one cannot be put back"
        )
    if newest is None or offered.token != newest[1]:
        reason = f"revision {offered.bundle.revision}, policy {offered.policy or 'none'}"
        if offered.bundle.governance:
            reason += f", governance {offered.bundle.governance}"
        entry = {"at": at, "operator": operator, "action": REFUSED if refused else TAKEN, "reason": reason}
        connection.execute(insert(schema.audit).values(**entry))
        if not refused:
            _keep(connection, offered, at)
    if offered.governance and not refused:
        values = {"hash": offered.bundle.governance, "carried": carried(offered.governance), "added_at": at}
        put(connection, schema.governance, **values)
    return refused


def _keep(connection: Connection, offered: Said, at: int) -> None:
    values = {"revision": offered.bundle.revision, "token": offered.token, "added_at": at}
    connection.execute(insert(schema.bundles).values(**values))
    if offered.policy:
        files = json.dumps(dict(offered.bundle.policy_files), ensure_ascii=False)
        add_if_new(connection, schema.policies, hash=offered.policy, files=files, received_at=at)
