"""Who may read and what the eye closes for, signed by the compliance key: the store only carries it.

A PC knows the key's fingerprint from its enrolment token, so that a store operator can neither add a reader nor
weaken a policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import base64url, jws
from protocol.claims import Claims
from protocol.errors import BundleError, KeyProblem
from protocol.keys import RecipientPublic
from protocol.notice import mistake_in


@dataclass(frozen=True, slots=True)
class Bundle:
    """`revision` only ever rises; the agent refuses one below the last. `created`: wall clock, ns since 1970.

    `policy_files`: file name -> text; empty where the PC's own policy folder rules. `governance`: `policy_hash` of the
    files that say who may see what and how long; they go beside the bundle (`protocol.carried`), and "" opens nothing.
    `notice`: of GDPR 13, for the PC to show (`protocol.notice`); "" where there is none.
    """

    revision: int
    recipients: tuple[RecipientPublic, ...]
    created: int
    policy_files: Mapping[str, str] = field(default_factory=dict)
    governance: str = ""
    notice: str = ""

    def __post_init__(self) -> None:
        if not self.recipients:
            raise BundleError("no-recipients", "bundle: without a recipient no recording could ever be read")
        if len({recipient.key_id for recipient in self.recipients}) != len(self.recipients):
            raise BundleError("doubled-recipient", "bundle: a recipient's key comes twice")


def sign(bundle: Bundle, compliance_key: Ed25519PrivateKey) -> str:
    payload: dict[str, object] = {
        "revision": bundle.revision,
        "created": bundle.created,
        "recipients": [base64url.encode(recipient.to_bytes()) for recipient in bundle.recipients],
        "policy_files": dict(bundle.policy_files),
    }
    # Left out where they are empty: such a bundle has the bytes that it had before there was governance.
    payload |= {name: value for name in ("governance", "notice") if (value := getattr(bundle, name))}
    return jws.sign(jws.BUNDLE, payload, compliance_key, with_key=True)


def verify(token: str, compliance_fingerprint: str) -> Bundle:
    """The bundle, if the key with this fingerprint signed it.

    Raises SignatureError (as `jws.verify`; wrong-fingerprint) and BundleError (bad-field, bad-recipient, no-recipients,
    doubled-recipient).
    """
    claims = Claims(jws.verify_by(jws.BUNDLE, token, compliance_fingerprint), "bundle", BundleError)
    texts = claims.texts("recipients")
    try:
        recipients = tuple(RecipientPublic.from_bytes(base64url.decode(text)) for text in texts)
    except KeyProblem as error:
        raise BundleError("bad-recipient", f"bundle: {error}") from None
    except ValueError as error:
        raise BundleError("bad-recipient", f"bundle: a recipient's key is {error}") from None
    return Bundle(
        revision=claims.integer("revision"),
        recipients=recipients,
        created=claims.integer("created"),
        policy_files=claims.text_map("policy_files"),
        governance=claims.hex256("governance") if claims.has("governance") else "",
        notice=_notice(claims) if claims.has("notice") else "",
    )


def _notice(claims: Claims) -> str:
    text = claims.text("notice")
    if wanted := mistake_in(text):
        raise claims.refuse("notice", wanted)
    return text
