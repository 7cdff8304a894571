"""Draws the wrapped keys of inputs.json anew: the one part of the vectors that is random, by HPKE's nature."""

from __future__ import annotations

import json

from protocol import keys
from tests.vectors.inputs import AUDITOR, FILE, INPUTS, KEY, OTHER_KEY, RECORDING, RECOVERY, STRANGER

if __name__ == "__main__":
    wrapped = {
        "key for auditor": keys.wrap(AUDITOR.public, RECORDING, KEY),
        "key for recovery": keys.wrap(RECOVERY.public, RECORDING, KEY),
        "key for stranger": keys.wrap(STRANGER.public, RECORDING, KEY),
        "other key for auditor": keys.wrap(AUDITOR.public, RECORDING, OTHER_KEY),
    }
    INPUTS["wrapped"] = {name: answer.hex() for name, answer in wrapped.items()}
    FILE.write_text(json.dumps(INPUTS, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
