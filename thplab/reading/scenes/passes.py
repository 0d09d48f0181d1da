"""The picture of a pass in numbers: the twin of stage/js/scenes/pass.js."""

from __future__ import annotations

from thplab.reading.moment import ReadMoment
from thplab.reading.scenes.spending import listed, spending


def pass_lines(at: ReadMoment) -> list[str]:
    """Who is listed, what the budget was spent on, and what has come of it."""
    found, spent = listed(at), spending(at)
    count = len(found.names)
    where = f"the cursor is on {f'process {found.cursor}' if found.cursor else 'none'}"
    who = f"{count} {'process' if count == 1 else 'processes'}, {where}" if count else "the list is empty"
    so_far = f"{found.laps} laps and {found.collapsed} windows collapsed since boot"
    if spent.refused:
        so_far += f", refused in this pass: {', '.join(f'{n} {why}' for why, n in spent.refused.items())}"
    if not spent.number:
        return [who, "no pass has begun", so_far]
    units = spent.units
    bill = (
        f"visits {units['visit']}, mappings passed over {units['vma']}, "
        f"{spent.windows} windows {units['window']}"
    )
    over = spent.over and f", the pass is over: {spent.over}"
    return [who, f"pass {spent.number}{over}: {spent.spent} of {spent.limit} units spent: {bill}", so_far]
