"""What a page that asks nobody for anything is put together from."""

from __future__ import annotations

import re
from base64 import b64encode

#: The browser itself keeps the page from asking anybody for anything.
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'"


def script(text: str) -> str:
    """Text that can't end the script it stands in: ``</`` only occurs inside strings."""
    return text.replace("</", "<\\/")


def library(text: str) -> str:
    """The same for code of others, in which ``</`` may be part of an expression."""
    return re.sub("</(?=script)", r"<\\/", text, flags=re.IGNORECASE)


def recording_script(name: str, recording: bytes) -> str:
    """The element that holds a recording's bytes."""
    return f'<script type="text/plain" id="{name}">{b64encode(recording).decode()}</script>'


def data_address(kind: str, content: bytes) -> str:
    """A picture as the text of its own address."""
    return f"data:{kind};base64,{b64encode(content).decode()}"
