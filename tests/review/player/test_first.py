from pathlib import Path
import json
from tests.review.player.conftest import READY, Recorded, Page, played, until

def test_it(recorded: Recorded, page: Page, tmp_path: Path) -> None:
    with played(recorded.home, recorded.id) as address:
        page.open(address)
        until(page, READY)
        print(json.dumps(page.run("JSON.parse(JSON.stringify({f:[...document.querySelectorAll('#findings li')].map(x=>x.textContent), b: document.querySelector('#badge-text').textContent, at:[...document.querySelectorAll('canvas')].map(c=>c.dataset.at), log: player.screens.map(s=>[s.log,s.failed])}))"), indent=1))
        Path(f"/tmp/shot-{type(page).__name__}.png").write_bytes(page.picture(1280, 860))
        page.press("t")
        Path(f"/tmp/shot-{type(page).__name__}-dark.png").write_bytes(page.picture(1280, 860))
