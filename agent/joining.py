"""Joining a store, and leaving it again."""

from __future__ import annotations

import platform
import socket
from pathlib import Path

from agent import desktop, durable, identity
from agent.app import VERSION
from agent.config import Config
from agent.errors import EnvironmentFault, Untrusted
from agent.identity import Trust
from agent.wire import Route


def enrol(token: str, config: Config) -> str:
    """Join the store that issued the token; what to tell the person. Raises as `agent.identity.enrol`.

    The policy that the store's bundle carries becomes this PC's, unless there is one in its folder already.
    """
    joined = identity.enrol(
        token,
        config.home,
        desktop.current_clock(),
        host=socket.gethostname(),
        system=platform.platform(terse=True),
        agent_version=VERSION,
        route=Route(config.upload.proxy, config.upload.ca),
    )
    told = f"This PC is now enrolled as {joined.device}."
    files = Trust(joined).bundle.policy_files
    if any(config.policies.glob("*.yaml")):
        return f"{told} Its policy is the one in {config.policies}."
    if odd := [name for name in files if Path(name).name != name or not name.endswith(".yaml")]:
        raise Untrusted(f"{told} But the store's bundle names {len(odd)} policy files that are no plain `*.yaml` names")
    if not files:
        return f"{told} Put a policy into {config.policies}: without one nothing is recorded."
    try:
        durable.make_folder(config.policies)
        for name, text in files.items():
            durable.write(config.policies / name, text.encode("utf-8"))
    except OSError as failure:
        raise EnvironmentFault(
            f"{told} But the store's policy cannot be written to {config.policies}: {failure.strerror}"
        ) from failure
    return f"{told} The store's policy now lies in {config.policies}."
