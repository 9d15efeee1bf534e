"""The stylesheet of the drawings: colours for both schemes, movement, and stillness where it is asked for."""

from __future__ import annotations

from tools.drawings.motion import rules
from tools.drawings.picture import GHOST_OPACITY, GROUND, HALO_WIDTH, TONES
from tools.drawings.scene import Drawing

HEAD = """\
/* Generated from the pose data in tools/drawings by `make drawings`: change those, not this file.
   A page may set --drawing-accent, --drawing-ground (its background) and any --drawing-<tone>. */
"""
STILL = ".ac-drawing *{animation:none!important}.ac-ghost{display:inline}"


def common() -> str:
    """Generate the rules that all drawings share."""
    text = HEAD
    text += ".ac-drawing{display:block;width:100%;height:auto;overflow:visible;"
    text += f"--ac-ground:{GROUND[0]};" + ";".join(f"--ac-{t}:{light}" for t, (light, _) in TONES.items()) + "}\n"
    text += "@media (prefers-color-scheme:dark){.ac-drawing{"
    text += f"--ac-ground:{GROUND[1]};" + ";".join(f"--ac-{t}:{dark}" for t, (_, dark) in TONES.items()) + "}}\n"
    for tone in TONES:
        text += f".ac-{tone}{{fill:var(--drawing-{tone},var(--ac-{tone}))}}\n"
    accent = "var(--drawing-accent,var(--ac-accent))"
    text += f".ac-halo{{fill:none;stroke:var(--drawing-ground,var(--ac-ground));stroke-width:{HALO_WIDTH}}}\n"
    text += f".ac-ghost{{fill:{accent};fill-opacity:{GHOST_OPACITY}}}.ac-arrow{{fill:none;stroke:{accent};stroke-width:3}}\n"
    text += ".ac-arrow{stroke-linecap:round;stroke-linejoin:round}\n"
    text += ".ac-ghost{display:none}\n"
    text += ".ac-paused .ac-drawing *{animation-play-state:paused}\n"
    text += f"@media (prefers-reduced-motion:reduce){{{STILL}}}\n@media print{{{STILL}}}\n"
    return text


def rules_of(drawing: Drawing) -> str:
    """Generate the rules of one drawing: its movement."""
    return f"/* {drawing.exercise_id} */\n{rules(drawing)}"
