"""What the page's own code says of a sealed chunk: the vectors, by a stream's key and by the chunk's own key alone."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from protocol import keys
from tests.protocol.test_vectors import cases, load, wanted
from tests.review.player.conftest import READY, Page, Recorded, played, until
from tests.vectors.inputs import KEY, RECORDING

ANSWERS: Final = """(async () => {
  const {fromHex, Refused, sha256} = await import("./bytes.js");
  const by = await import("./statements.js");
  const {vector, streams} = %s;
  const signer = await by.publicKey(vector.evidence_key);
  const packet = await by.readPacket(vector.packet, signer);
  const take = (key) => (algorithm, uses) => crypto.subtle.importKey("raw", fromHex(key), algorithm, false, uses);
  const content = async (one, sealed) => one.chunk_key
    ? by.openByChunkKey(await by.importChunkKey(fromHex(one.chunk_key)), sealed)
    : by.openChunk(await by.streamKeys(take(one.stream_key ?? streams[one.place.stream])), sealed);
  const answer = async (one) => {
    try {
      const sealed = fromHex(one.sealed);
      const header = by.parseHeader(sealed);
      if (header.edition !== packet.edition) return {expect: "wrong-edition"};
      await by.checkSignature(sealed, signer);
      const opened = new Uint8Array(await content(one, sealed));
      by.checkPlace(header, one.place);
      return {expect: "ok", plaintext_sha256: await sha256(opened)};
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return {expect: error.code};
    }
  };
  return Promise.all(vector.cases.map(answer));
})()"""


@pytest.mark.parametrize("name", ["signed", "keyed"])
def test_the_vectors(name: str, page: Page, recorded: Recorded) -> None:
    # A stream's key comes to the page wrapped and is 32 bytes or no key.
    asked = [case for case in cases(name) if len(case.get("stream_key", "." * 64)) == 64]
    assert len(asked) > 20
    streams = {case["place"]["stream"] for case in asked}
    told: dict[str, Any] = {
        "vector": load(name) | {"cases": asked},
        "streams": {stream: keys.stream_key(KEY, RECORDING, stream).hex() for stream in streams},
    }
    with played(recorded.home, recorded.id) as address:
        page.open(address)
        until(page, READY)
        answers = page.run(ANSWERS % json.dumps(told))
    for case, answer in zip(asked, answers, strict=True):
        assert answer == wanted(case), case["name"]
