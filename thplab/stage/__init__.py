"""The stage: a recording on the screen, in a notebook, in a page, or as text.

The names are loaded when they are first asked for: only ``Stage``, ``Explorer``
and ``explore`` need the widget libraries.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
