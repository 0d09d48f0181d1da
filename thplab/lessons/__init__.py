"""What the notebooks are made of: questions, tables, and numbers taken apart.

A question's key is read from a run of the model; nothing here computes kernel behaviour. The names
are loaded when they are first asked for: only questions need the widget libraries.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
