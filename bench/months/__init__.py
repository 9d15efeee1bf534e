"""Months of coaching for made-up runners, and the promises that each year must keep: `python -m bench.months`.

Patterns of runs x placements x equipment are crossed in full; each such runner lives a year as one who finds it right, as one
who finds it too easy, and in two of the four other ways to answer. The other traits are dealt out so that each value of one
meets each value of every other. The same runners every time: nothing depends on the day or the machine.
"""
