"""A recording outside a notebook: a page, a text, a picture. Each part is loaded when it is asked for."""

from thplab.export.moments import named_moments
from thplab.export.page import page
from thplab.export.perfetto import perfetto
from thplab.export.picture import save_picture
from thplab.export.scenario_slides import slides
from thplab.export.tell import tell

__all__ = ["named_moments", "page", "perfetto", "save_picture", "slides", "tell"]
