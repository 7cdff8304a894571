"""The web for browsers that are tried: on each address it is asked for, and nothing else is there."""

from __future__ import annotations

import json
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from testkit import web


class Asked(web.Answer):
    def get(self, path: str, query: dict[str, list[str]]) -> None:
        if path == "/late":
            self.send("text/html", "first, ", late="last")
        elif path == "/none":
            self.send("text/plain", "", status=404)
        else:
            self.send("application/json", json.dumps([path, query]))

    def post(self, body: bytes) -> None:
        self.send("text/plain", body + b" came")


def test_it_answers_under_each_address_on_one_port() -> None:
    with web.serving(Asked, "127.0.0.1", "127.0.0.2") as port:
        for host in ("127.0.0.1", "127.0.0.2"):
            with urlopen(f"http://{host}:{port}/page?a=1&b=") as answer:
                assert json.load(answer) == ["/page", {"a": ["1"], "b": [""]}]
        with urlopen(f"http://127.0.0.1:{port}/", data=b"it") as answer:
            assert answer.read() == b"it came"


def test_what_comes_late_is_of_the_same_answer() -> None:
    with web.serving(Asked) as port, urlopen(f"http://127.0.0.1:{port}/late") as answer:
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert answer.read() == b"first, last"


def test_what_is_not_there_is_said_to_be_missing() -> None:
    with web.serving(Asked) as port, pytest.raises(HTTPError, match="404") as missing:
        urlopen(f"http://127.0.0.1:{port}/none")
    missing.value.close()
