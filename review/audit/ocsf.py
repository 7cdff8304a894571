"""Entries as events of the Open Cybersecurity Schema Framework, for a SIEM; without I/O.

Classes, activities and names: https://schema.ocsf.io/1.8.0. People and searches are the log's pseudonyms.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, Final

from review.audit.kinds import KINDS, SUCCESS

SCHEMA: Final = "1.8.0"
_AUTHENTICATION, _ENTITY, _WEB, _EVENT_LOG, _DATASTORE = 3002, 3004, 6001, 1008, 6005
_ADDRESS: Final = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f:]*:[0-9a-f:]+")


def event(origin: str, position: int, time: int, body: Mapping[str, Any]) -> dict[str, object]:
    """`origin`: the log's name. `time`: ms. `body`: as `kinds.read_body` gives it."""
    kind = KINDS[body["kind"]]
    class_uid, activity = kind.ocsf
    user = {"uid": body["who"]}
    source = {"ip" if _ADDRESS.fullmatch(body["origin"]) else "name": body["origin"]}
    resources = [{"uid": one, "type": kind.resource} for one in body["resource"]]
    made: dict[str, object] = {
        "activity_id": activity,
        "category_uid": class_uid // 1000,
        "class_uid": class_uid,
        "type_uid": class_uid * 100 + activity,
        "severity_id": 1 if body["outcome"] == SUCCESS else 2,  # informational, low
        "status_id": 1 if body["outcome"] == SUCCESS else 2,
        "time": time,
        "metadata": {
            "version": SCHEMA,
            "product": {"name": "Eyelid", "vendor_name": "Eyelid", "version": version("eyelid")},
            "log_name": origin,
            "event_code": body["kind"],
            "sequence": position,
            "uid": f"{origin}/{position}",
            "profiles": ["host"],  # which has `actor`
        },
        "actor": {"user": user},
        "src_endpoint": source,
        "unmapped": body["facts"],
    }
    if "reason" in body:
        made["status_code"] = body["reason"]
    if class_uid == _AUTHENTICATION:
        made |= {"user": user, "service": {"uid": body["resource"][0], "name": body["resource"][0]}}
    elif class_uid == _ENTITY:
        made["entity"] = {"uid": body["resource"][0], "type": kind.resource, "type_id": 99}
    elif class_uid == _WEB:
        made["web_resources"] = resources
    elif class_uid == _EVENT_LOG:
        made["log_name"] = origin
    else:
        made["databucket"] = {"uid": body["resource"][0], "name": body["resource"][0]}
    return made
