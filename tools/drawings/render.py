"""Generator entry point: `python -m tools.drawings.render` writes the files of adductor/drawings/.

SVG, CSS and words follow from the pose data alone. A PNG needs Chromium (playwright, from the dev dependencies) and is
rendered again only when its source SVG changed; png_sources.json holds the hashes of the sources.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.drawings import drawings, picture, sheet
from tools.drawings.scene import Drawing

HERE = Path(__file__).parent
PACKAGE = HERE.parents[1] / "adductor" / "drawings"
PNG_SOURCES = HERE / "png_sources.json"
PANEL_CSS_PX = (300, 225)
PIXEL_RATIO = 2
PALETTE_COLOURS = 64


def text_files() -> dict[str, str]:
    """Generate every text file of the package by its path inside it."""
    files = {"css/common.css": sheet.common(), "words.json": _json({d.exercise_id: _words(d) for d in _all()})}
    for drawing in _all():
        name = drawing.exercise_id
        files[f"css/{name}.css"] = sheet.rules_of(drawing)
        files[f"svg/{name}.inline.svg"] = picture.inline_svg(drawing)
        files[f"svg/{name}.mirrored.svg"] = picture.inline_svg(drawing, mirrored=True, suffix="-other")
        files[f"svg/{name}.moving.svg"] = picture.inline_svg(drawing, still=False)
        files[f"svg/{name}.light.svg"] = picture.still_svg(drawing, picture.LIGHT)
        files[f"svg/{name}.dark.svg"] = picture.still_svg(drawing, picture.DARK)
    return files


def png_sources() -> dict[str, str]:
    """Hash the SVG behind each PNG: the hash changes with pose, colour or camera."""
    return {d.exercise_id: hashlib.sha256(picture.poster(d).encode()).hexdigest()[:16] for d in _all()}


def _all() -> Sequence[Drawing]:
    return tuple(drawings().values())


def _words(drawing: Drawing) -> dict[str, object]:
    return {"description": drawing.description, "captions": drawing.captions, "moments_s": drawing.moments_s}


def _json(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def _chromium() -> str | None:
    """Find the system's Chromium; None lets playwright use its own."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


def _write_png(screenshot: bytes, path: Path) -> None:
    """Quantize the screenshot: flat colours fit a palette, in a third of the bytes."""
    from PIL import Image

    image = Image.open(io.BytesIO(screenshot)).convert("RGB")
    image.quantize(PALETTE_COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def _render_pngs(folder: Path, chosen: Sequence[Drawing]) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium())
        try:
            page = browser.new_page(device_scale_factor=PIXEL_RATIO)
            for drawing in chosen:
                across, down = picture.panels(drawing)
                width, height = PANEL_CSS_PX[0] * across, PANEL_CSS_PX[1] * down
                page.set_viewport_size({"width": width, "height": height})
                image = picture.poster(drawing).replace("<svg ", '<svg style="display:block;width:100%;height:100%" ')
                page.set_content(f"<body style='margin:0'>{image}</body>")
                _write_png(page.screenshot(), folder / f"{drawing.exercise_id}.png")
        finally:
            browser.close()


def main() -> int:
    """Write the files, remove those of exercises that are gone. Returns the exit code."""
    files = text_files()
    for folder in ("css", "svg"):
        for path in (PACKAGE / folder).iterdir():
            if f"{folder}/{path.name}" not in files:
                path.unlink()
    for name, text in files.items():
        (PACKAGE / name).write_text(text, encoding="utf-8")
    before = json.loads(PNG_SOURCES.read_text(encoding="utf-8"))
    sources = png_sources()
    pngs = PACKAGE / "png"
    for path in pngs.iterdir():
        if path.stem not in sources:
            path.unlink()
    changed = [
        d for d in _all()
        if before.get(d.exercise_id) != sources[d.exercise_id] or not (pngs / f"{d.exercise_id}.png").exists()
    ]  # fmt: skip
    if changed:
        _render_pngs(pngs, changed)
    PNG_SOURCES.write_text(_json(sources), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
