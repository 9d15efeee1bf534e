"""`python -m tools.icons`: the PNG icons and the picture of link previews, drawn from service/static/icon.svg by Chromium."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser

from tests.support import people

STATIC = Path(__file__).parent.parent / "service" / "static"
GREEN = "#1f6f5c"
# File, pixels of its side, how much of it the drawing fills. A maskable icon keeps its drawing in the inner four fifths.
ICONS = (
    ("icon-192.png", 192, 1.0),
    ("icon-512.png", 512, 1.0),
    ("icon-maskable.png", 512, 0.75),
    ("apple-touch-icon.png", 180, 0.85),
    ("favicon.ico", 48, 1.0),
)
CARD = (1200, 630)


def main() -> None:
    drawing = (STATIC / "icon.svg").read_text(encoding="utf-8")
    with people.chromium() as browser:
        for name, side, share in ICONS:
            ground = "transparent" if share == 1 else GREEN
            style = f"background:{ground};display:grid;place-items:center"
            _save(browser, name, (side, side), style, f"<div style='width:{share:.0%}'>{drawing}</div>")
        marks = drawing.replace('<rect width="32" height="32" rx="8" fill="#1f6f5c"/>', "").replace("#ffd27a", "#fff")
        _save(browser, "badge.png", (96, 96), "background:transparent", marks)
        words = (
            "<div style='width:230px'>" + drawing + "</div><div><b style='font-size:84px'>Adductor Coach</b>"
            "<p style='font-size:40px;margin:24px 0 0'>Adductor strength, without having to remember it</p></div>"
        )
        style = (
            "background:#f6f5f1;color:#16221d;display:flex;align-items:center;gap:60px;padding:0 80px;font-family:sans"
        )
        _save(browser, "card.png", CARD, style, words)


def _save(browser: Browser, name: str, size: tuple[int, int], style: str, body: str) -> None:
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    page.set_content(
        f"<body style='margin:0'><div style='box-sizing:border-box;width:{size[0]}px;height:{size[1]}px;{style}'>{body}</div>"
    )
    image = Image.open(io.BytesIO(page.screenshot(omit_background=True)))
    page.close()
    if name.endswith(".ico"):
        image.save(STATIC / name, sizes=[(16, 16), (32, 32), (48, 48)])
    else:
        image.quantize(64).save(STATIC / name, optimize=True)


if __name__ == "__main__":
    main()
