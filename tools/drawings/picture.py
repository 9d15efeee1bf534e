"""SVG output: inline for pages (classes, no inline style) and as files (colours inside)."""

from __future__ import annotations

from html import escape

from tools.drawings.body import Joints
from tools.drawings.geometry import Disc, add, number, outline
from tools.drawings.motion import tracks
from tools.drawings.parts import Part
from tools.drawings.scene import Drawing, floor

# Tone -> (colour on a light ground, colour on a dark ground). A calm slate figure; the one warm colour is for what
# works: the adductors (or the outer hip) and the way they move.
TONES: dict[str, tuple[str, str]] = {
    "floor": ("#e9edf1", "#27303a"),
    "skin": ("#a9b7c4", "#b7c3ce"),
    "skin-far": ("#c9d3dc", "#7f8d9b"),
    "shirt": ("#54708a", "#7797b3"),
    "shirt-far": ("#93a7b9", "#54708a"),
    "shorts": ("#2f4356", "#465f77"),
    "shorts-far": ("#7c8fa1", "#35495c"),
    "shoe": ("#1f2e3c", "#dfe6ec"),
    "shoe-far": ("#76889a", "#9aa8b5"),
    "hair": ("#2b3a48", "#566776"),
    "accent": ("#e8622c", "#ff8a50"),
    "ball": ("#6f9f97", "#79b3a9"),
    "ball-shine": ("#a9cbc5", "#b0d6cf"),
    "wood": ("#c8b59c", "#8c7b66"),
    "wood-top": ("#dccdb8", "#a39079"),
    "wood-side": ("#b29d82", "#736451"),
    "wall": ("#dde3e9", "#36414d"),
    "wall-top": ("#e9edf1", "#414e5b"),
    "wall-side": ("#cfd7df", "#2e3843"),
    "cloth": ("#8fb3ac", "#6d9a92"),
    "cloth-top": ("#a9c7c1", "#85aea6"),
    "cloth-side": ("#7ba39b", "#5b857d"),
    "band": ("#3f857a", "#7cc4b8"),
    "badge": ("#2f4356", "#b7c3ce"),
    "metal": ("#4b5865", "#5f6c79"),
}
GROUND = ("#ffffff", "#161c22")
MAIL_GROUND = "#f7f9fa"
HALO_WIDTH = 2.4
GHOST_OPACITY = ".34"
ROUND_STROKES = 'stroke-linecap="round" stroke-linejoin="round"'
NOT_IN_A_GHOST = ("shorts", "sleeve", "muscle", "face", "hand", "ball_shine", "bar", "weight")
# The arrow leaves out both ends of the way, so that its tip does not hide the foot that it follows.
ARROW_FROM, ARROW_TO = 0.08, 0.9
# Where the colours come from: from the page's stylesheet, or they stand in the file, for a light or a dark ground.
Scheme = int | None
CLASSES, LIGHT, DARK = None, 0, 1


def _path(data: str, tone: str, move: str, scheme: Scheme) -> str:
    paint = f'class="ac-{tone}{move and " " + move}"' if scheme is CLASSES else f'fill="{TONES[tone][scheme]}"'
    return f'<path {paint} d="{data}"/>'


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""


def _figure(drawing: Drawing, skeleton: Joints, scheme: Scheme, follows: dict[str, int]) -> str:
    text = ""
    for _, layer in drawing.layers:
        # Neighbours that look and move alike become one path.
        halo: dict[str, str] = {}
        body: list[tuple[str, str, str]] = []
        for part in layer:
            data = outline(drawing.seen(part, skeleton))
            move = f"ac-{drawing.code}{follows[part.name]}" if part.name in follows else ""
            if body and body[-1][:2] == (part.tone, move):
                data_before = body.pop()[2]
                body.append((part.tone, move, data_before + data))
            else:
                body.append((part.tone, move, data))
            if part.halo:
                halo[move] = halo.get(move, "") + data
        if halo:
            rims = "".join(f'<path{_class(move)} d="{data}"/>' for move, data in halo.items())
            # The stylesheet says the same of .ac-halo; a file without a stylesheet has to say it itself.
            paint = (
                _class("ac-halo") if scheme is CLASSES else f' stroke="{GROUND[scheme]}" stroke-width="{HALO_WIDTH}"'
            )
            text += f"<g{paint}>{rims}</g>"
        text += "".join(_path(data, tone, move, scheme) for tone, move, data in body)
    return text


def _floor(drawing: Drawing, scheme: Scheme) -> str:
    return _path(outline(floor(drawing)), "floor", "", scheme)


def _arrow(drawing: Drawing, scheme: Scheme) -> str:
    """The way of one joint from the first shown position to the last, as an arrow beside it."""
    if drawing.arrow is None:
        return ""
    joint, aside = drawing.arrow
    first, last = drawing.arrow_way
    shares = [ARROW_FROM + (ARROW_TO - ARROW_FROM) * step / 6 for step in range(7)]
    points = [drawing.camera.project(add(drawing.on_the_way(first, last, share)[joint], aside)) for share in shares]
    (x, y), (bx, by) = points[-1], points[-2]
    size = ((x - bx) ** 2 + (y - by) ** 2) ** 0.5 or 1.0
    ux, uy = (x - bx) / size, (y - by) / size
    wing = 6.5
    tip = "".join(
        f"M{number(x)} {number(y)}L{number(x - wing * (ux - s * 0.75 * uy))} {number(y - wing * (uy + s * 0.75 * ux))}"
        for s in (1, -1)
    )
    way = "M" + " ".join(f"{number(px)} {number(py)}" for px, py in points)  # more pairs after M are lines
    paint = 'class="ac-arrow"'
    if scheme is not CLASSES:
        paint = f'fill="none" stroke="{TONES["accent"][scheme]}" stroke-width="3" {ROUND_STROKES}'
    return f'<path {paint} d="{way}{tip}"/>'


def _ghost_discs(drawing: Drawing, part: Part, skeleton: Joints) -> list[Disc]:
    """A limb without its bulges: enough for a pale shape, in fewer bytes."""
    discs = drawing.seen(part, skeleton)
    return discs[:2] if part.name.startswith(("thigh", "shin", "fore")) else discs


def _ghost(drawing: Drawing, scheme: Scheme) -> str:
    """The other positions as pale shapes, shown when nothing may move.

    One is drawn in its place, two small and beside each other: three figures on one spot could not be told apart.
    """
    text = ""
    others = drawing.shown[1:]
    for index, position in enumerate(others):
        data = "".join(
            outline(_ghost_discs(drawing, part, drawing.skeletons[position]), digits=0)
            for name, layer in drawing.layers
            for part in layer
            if not name.startswith(("bench", "step", "wall", "anchor", "cushion"))
            and not part.name.startswith(NOT_IN_A_GHOST)
        )
        aside = ""
        if len(others) > 1:
            x, y = drawing.insets[index]
            aside = f' transform="translate({number(x)} {number(y)})scale(.5)"'
        text += f'<path{aside} d="{data}"/>'
    paint = 'class="ac-ghost" display="none"'
    if scheme is not CLASSES:
        paint = f'fill="{TONES["accent"][scheme]}" fill-opacity="{GHOST_OPACITY}"'
    return f"<g {paint}>{text}</g>"


# Strokes of the numerals 1 to 3 in a box 6 wide and 9 high: no font is needed, so every machine draws the same.
NUMERALS = (
    "M1.5 2 3.6.5V8.5",
    "M.8 2.4C1 .2 5.2.1 5.2 2.8 5.2 4.8 2 6 .8 8.5H5.4",
    "M.8 1.6C1.8.1 5 .3 5 2.4 5 3.9 3.6 4.3 2.4 4.3 3.8 4.3 5.4 4.8 5.4 6.4 5.4 8.9 1.6 9 .6 7.2",
)


def _badge(index: int, caption: str) -> str:
    """The number and the caption of a position, in its upper left corner."""
    paint = f'fill="none" stroke="{TONES["badge"][LIGHT]}" stroke-width="1.5" {ROUND_STROKES}'
    numeral = f'<path transform="translate(1 -.5)" d="{NUMERALS[index]}"/>'
    font = f'font-family="sans-serif" font-size="13" fill="{TONES["badge"][LIGHT]}"'
    words = f'<text x="34" y="22.5" {font}>{escape(caption)}</text>'
    return f'<g {paint} transform="translate(14 14)"><circle cx="4" cy="4" r="9"/>{numeral}</g>{words}'


def _mirrored(drawing: Drawing, inside: str) -> str:
    return f'<g transform="matrix(-1 0 0 1 {number(drawing.camera.width)} 0)">{inside}</g>'


def panels(drawing: Drawing) -> tuple[int, int]:
    """How many panels a poster has beside each other, and how many stacked: three in a row are too small for a phone."""
    count = len(drawing.shown)
    return (count, 1) if count < 3 else (1, count)


def _panels(drawing: Drawing) -> str:
    text = ""
    across, _ = panels(drawing)
    for index, position in enumerate(drawing.shown):
        panel = _floor(drawing, LIGHT) + _figure(drawing, drawing.skeletons[position], LIGHT, {})
        if position == drawing.arrow_way[1]:
            panel += _arrow(drawing, LIGHT)
        panel += _badge(index, drawing.captions[index])
        row, column = divmod(index, across)
        place = f"{number(column * drawing.camera.width)} {number(row * drawing.camera.height)}"
        text += f'<g transform="translate({place})">{panel}</g>' if index else panel
    return text


def inline_svg(drawing: Drawing, *, mirrored: bool = False, suffix: str = "", still: bool = True) -> str:
    """Generate the SVG element for a page; classes colour and move it, title and desc describe it.

    mirrored: left and right exchanged. suffix: added to the ids, for a second copy on one page. still: with the other
    positions as pale shapes, which the stylesheet shows when the viewer prefers reduced motion.
    """
    inside = _floor(drawing, CLASSES) + (_ghost(drawing, CLASSES) if still else "")
    inside += _figure(drawing, drawing.skeletons[0], CLASSES, tracks(drawing)[1])
    if still and len(drawing.shown) == 2 and drawing.arrow:
        inside += f'<g class="ac-ghost" display="none">{_arrow(drawing, CLASSES)}</g>'
    if mirrored:
        inside = _mirrored(drawing, inside)
    name = f"ac-{drawing.code}{suffix}"
    return (
        f'<svg class="ac-drawing" viewBox="0 0 {number(drawing.camera.width)} {number(drawing.camera.height)}" role="img"'
        f' aria-labelledby="{name}-t {name}-d"><title id="{name}-t">{escape(drawing.title)}</title>'
        f'<desc id="{name}-d">{escape(f"{drawing.start} {drawing.movement}")}</desc>{inside}</svg>'
    )


def poster(drawing: Drawing) -> str:
    """Generate an SVG file with the shown positions and their captions, on the light ground of a mail."""
    across, down = panels(drawing)
    width, height = drawing.camera.width * across, drawing.camera.height * down
    ground = f'<rect width="{number(width)}" height="{number(height)}" fill="{MAIL_GROUND}"/>'
    return _file(drawing, width, height, ground + _panels(drawing))


def still_svg(drawing: Drawing, scheme: Scheme) -> str:
    """Generate an SVG file that shows the first position with the others as pale shapes, colours inside."""
    inside = _floor(drawing, scheme) + _ghost(drawing, scheme) + _figure(drawing, drawing.skeletons[0], scheme, {})
    if len(drawing.shown) == 2:
        inside += _arrow(drawing, scheme)
    return _file(drawing, drawing.camera.width, drawing.camera.height, inside)


def _file(drawing: Drawing, width: float, height: float, inside: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {number(width)} {number(height)}"'
        f' width="{number(width)}" height="{number(height)}"><title>{escape(drawing.title)}</title>'
        f"{inside}</svg>"
    )
