"""`python -m adductor.drawings.render`: writes the stylesheet, the PNG files and their manifest from the pose data.

For developers only: needs the dev dependencies (playwright) and a Chromium; what it writes is committed, so that
nothing of this is needed to run the service.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import shutil
import sys
from pathlib import Path

from adductor import drawings
from adductor.drawings import sheet

HERE = Path(__file__).parent
PANEL_CSS_PX = (300, 225)
PIXEL_RATIO = 2
PALETTE_COLOURS = 64


def source_hash(exercise_id: str) -> str:
    """The hash of the SVG from which the PNG was made: it changes with pose, colour or camera."""
    return hashlib.sha256(drawings.poster(exercise_id).encode()).hexdigest()[:16]


def written_stylesheet() -> str:
    """The stylesheet as the pose data have it now."""
    return sheet.stylesheet(drawings.drawing(exercise_id) for exercise_id in drawings.exercise_ids())


def _chromium() -> str | None:
    """A Chromium of the system; None lets playwright use its own."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


def _write_small(screenshot: bytes, path: Path) -> None:
    """Flat colours and their soft edges fit a palette, in a third of the bytes."""
    from PIL import Image

    image = Image.open(io.BytesIO(screenshot)).convert("RGB")
    image.quantize(PALETTE_COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def _render_pngs(folder: Path) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium())
        try:
            page = browser.new_page(device_scale_factor=PIXEL_RATIO)
            for exercise_id in drawings.exercise_ids():
                width, height = PANEL_CSS_PX[0] * drawings.positions(exercise_id), PANEL_CSS_PX[1]
                page.set_viewport_size({"width": width, "height": height})
                image = drawings.poster(exercise_id).replace(
                    "<svg ", '<svg style="display:block;width:100%;height:100%" '
                )
                page.set_content(f"<body style='margin:0'>{image}</body>")
                _write_small(page.screenshot(), folder / f"{exercise_id}.png")
        finally:
            browser.close()


def main(arguments: list[str] | None = None) -> int:
    """Writes the files; with --css only the stylesheet. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m adductor.drawings.render", description=__doc__)
    parser.add_argument("--css", action="store_true", help="only the stylesheet (no browser needed)")
    chosen = parser.parse_args(arguments)
    (HERE / "drawings.css").write_text(written_stylesheet(), encoding="utf-8")
    if chosen.css:
        return 0
    folder = HERE / "png"
    folder.mkdir(exist_ok=True)
    _render_pngs(folder)
    manifest = {exercise_id: source_hash(exercise_id) for exercise_id in drawings.exercise_ids()}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
