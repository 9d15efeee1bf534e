"""Twelve weeks as a small bar chart: SVG whose colours come from the stylesheet, with a title and a text alternative."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from service.pages.status import Week

_WIDTH, _HEIGHT = 360, 132
_LEFT, _TOP, _FLOOR = 4, 12, 104
_BAR_SHARE = 0.62


def weeks_chart(weeks: Sequence[Week], target: int) -> Markup:
    """Bars of the sessions a week with the target as a line."""
    most = max([target, 2, *(week.sessions for week in weeks)])
    step = (_WIDTH - 2 * _LEFT) / len(weeks)
    unit = (_FLOOR - _TOP) / most
    parts = [
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-labelledby="chart-t chart-d">',
        f'<title id="chart-t">Sessions a week, the last {len(weeks)} weeks</title>',
        f'<desc id="chart-d">{in_words(weeks, target)}</desc>',
    ]
    for index, week in enumerate(weeks):
        x = _LEFT + index * step + step * (1 - _BAR_SHARE) / 2
        height = max(week.sessions * unit, 3)
        kind = "hit" if week.sessions >= target else "some" if week.sessions else "none"
        now = " current" if index == len(weeks) - 1 else ""
        parts.append(
            f'<rect class="bar {kind}{now}" x="{x:.1f}" y="{_FLOOR - height:.1f}" width="{step * _BAR_SHARE:.1f}" '
            f'height="{height:.1f}" rx="3"/>'
        )
        if index % 4 == 3:
            parts.append(
                f'<text class="tick" x="{_tick_x(x, step, bool(now)):.1f}" y="{_FLOOR + 18}" '
                f'text-anchor="{"end" if now else "middle"}">'
                f"{'this week' if now else f'{week.monday:%-d %b}'}</text>"
            )
    y = _FLOOR - target * unit
    parts.append(f'<line class="target" x1="{_LEFT}" x2="{_WIDTH - _LEFT}" y1="{y:.1f}" y2="{y:.1f}"/>')
    return Markup("".join([*parts, "</svg>"]))  # noqa: S704 - numbers and our own words only


def _tick_x(x: float, step: float, last: bool) -> float:
    """Below the middle of its bar; the last one ends with the chart."""
    return _WIDTH - _LEFT if last else x + step * _BAR_SHARE / 2


def in_words(weeks: Sequence[Week], target: int) -> str:
    """``7 of 12 weeks with 2 sessions or more; this week 1 so far.``"""
    hit = sum(week.sessions >= target for week in weeks)
    sessions = "1 session" if target == 1 else f"{target} sessions"
    return f"{hit} of {len(weeks)} weeks with {sessions} or more; this week {weeks[-1].sessions} so far."
