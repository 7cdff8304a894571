"""The custodian's unit under a real systemd: it answers who may ask, sees no network, and its memory stays there."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import enrolment
from protocol.keys import thumbprint
from testkit.displays import await_true
from tests.installer.machine import Machine, machine, missing

pytestmark = [pytest.mark.end_to_end, pytest.mark.skipif(bool(missing()), reason=missing() or "-")]
HOME, REVIEW, PYTHON = "/var/lib/eyelid-custodian", "/opt/eyelid/bin/eyelid-review", "/opt/eyelid/bin/python"
UNIT, SOCKET = "eyelid-custodian.service", "/run/eyelid-custodian/socket"
# There is no TPM here, nor a key of the machine to seal credentials with.
DROP_IN = "[Service]\nLoadCredentialEncrypted=\nLoadCredential=key:/run/operator/key\n"
# A container's root may not raise LimitMEMLOCK. There the one right does that the limit makes unnecessary.
LOCKS = resource.getrlimit(resource.RLIMIT_MEMLOCK)[1] == resource.RLIM_INFINITY
LOCKING = "" if LOCKS else "CapabilityBoundingSet=CAP_IPC_LOCK\nAmbientCapabilities=CAP_IPC_LOCK\n"


@pytest.fixture(scope="module")
def custodian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with machine(tmp_path_factory.mktemp("machine")) as made:
        key = Ed25519PrivateKey.generate().public_key()
        token = enrolment.make(enrolment.Enrolment("https://localhost", "", key, thumbprint(key), "s"))
        for folder, user in ((HOME, "eyelid-custodian"), ("/run/operator", "eyelid-custodian")):
            made.run("install", "-d", "-o", user, "-g", user, "-m", "700", folder)
        for text, path in ((token, "/run/token"), (DROP_IN + LOCKING, f"/run/systemd/system/{UNIT}.d/credential.conf")):
            made.run("sh", "-c", f'mkdir -p {path.rpartition("/")[0]} && printf %s "$1" > {path}', "sh", text)
        made.run(
            REVIEW, "custodian", "init", "--home", HOME, "--key-file", "/run/operator/key", "--token", "/run/token",
            "--name", "review.example.com/custodian", "--origin", "https://review.example.com",
            "--console", "eyelid-review", user="eyelid-custodian",
        )  # fmt: skip
        # A child of systemd mounts the credentials, and the service is to see them.
        made.run("mount", "--make-rshared", "/")
        made.systemctl("daemon-reload")
        made.systemctl("start", UNIT)
        await_answer(made)
        yield made


ASK = """
import pathlib, sys
from protocol.errors import ProtocolError
from review.exchange import ask
try:
    ask(pathlib.Path(sys.argv[1]), sys.argv[2])
except ProtocolError as error:
    print(error.code)
except ConnectionError:
    print("hung up")
else:
    print("answered")
"""


def asked(made: Machine, user: str, do: str = "nonce") -> str:
    """What comes of it over the socket: "answered", "hung up", an error's code; "" where no program listens there."""
    return made.ran(PYTHON, "-c", ASK, SOCKET, do, user=user).stdout.strip()


def await_answer(made: Machine) -> None:
    try:
        await_true(lambda: asked(made, "root") == "answered", "the custodian's answer", 150)
    except TimeoutError as late:
        raise AssertionError(f"{late}\n{made.tail()}") from None


def test_console_and_root_are_answered_and_nobody_else(custodian: Machine) -> None:
    assert json.loads(custodian.run(REVIEW, "custodian", "keys", "--json")) == {"keys": []}
    assert asked(custodian, "eyelid-review") == "answered"
    assert asked(custodian, "eyelid-review", "keys") == "bad-field"  # root's
    assert [asked(custodian, user) for user in ("ada", "eyelid-store")] == ["hung up", "hung up"]
    assert custodian.ran("ls", HOME, user="eyelid-review").returncode != 0


def test_it_sees_no_network_and_its_memory_is_neither_swapped_nor_dumped(custodian: Machine) -> None:
    pid = custodian.show(UNIT, "MainPID")
    status = dict(
        line.partition(":")[::2] for line in custodian.run("cat", f"/proc/{pid}/status").splitlines() if ":" in line
    )
    assert int(status["VmLck"].split()[0]) > 1000
    assert status["Seccomp"].strip() == "2"
    assert int(status["CapEff"], 16) == (0 if LOCKS else 1 << 14)
    interfaces = custodian.run("cat", f"/proc/{pid}/net/dev").splitlines()[2:]
    assert [line.split(":")[0].strip() for line in interfaces] == ["lo"]
    limits = [line.split() for line in custodian.run("cat", f"/proc/{pid}/limits").splitlines()]
    assert ["Max", "core", "file", "size", "0", "0", "bytes"] in limits
    assert custodian.ran("cat", f"/proc/{pid}/maps", user="eyelid-custodian").returncode != 0  # its own user's neither


def test_one_that_is_killed_answers_again(custodian: Machine) -> None:
    first = custodian.show(UNIT, "MainPID")
    custodian.systemctl("kill", "--signal=KILL", "--kill-whom=main", UNIT)
    await_true(lambda: custodian.show(UNIT, "MainPID") not in {"0", first}, "another process", 150)
    await_answer(custodian)
    custodian.systemctl("stop", UNIT)
    assert custodian.show(UNIT, "Result") in {"success", "signal"}
