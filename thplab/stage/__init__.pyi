"""Each name of ``thplab.stage`` with its module, for the package, type checkers and editors."""

from .branching import Branch as Branch, branch as branch
from .panel import Explorer as Explorer, explore as explore
from .reading import (
    Comparison as Comparison,
    compare as compare,
    moment_text as moment_text,
    window_text as window_text,
)
from .widget import PRESETS as PRESETS, Stage as Stage
