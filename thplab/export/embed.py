"""What a page that asks nobody for anything is put together from."""

from __future__ import annotations

import re
from base64 import b64encode
from functools import cache
from gzip import compress

#: The browser itself keeps the page from asking anybody for anything.
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'"


def script(text: str) -> str:
    """Text that can't end the script it stands in: ``</`` only occurs inside strings."""
    return text.replace("</", "<\\/")


def library(text: str) -> str:
    """The same for code of others, in which ``</`` may be part of an expression."""
    return re.sub("</(?=script)", r"<\\/", text, flags=re.IGNORECASE)


def bytes_script(name: str, content: bytes) -> str:
    """The element that holds bytes: a recording, a packed program."""
    return f'<script type="text/plain" id="{name}">{b64encode(content).decode()}</script>'


@cache
def packed(program: str) -> bytes:
    """A program as ``UNPACK`` starts it: a third of its size."""
    return compress(program.encode(), mtime=0)


#: Starts the program in the element ``program``; ``held(node)`` are the bytes in an element.
UNPACK = """globalThis.held = (node) => {
  const text = atob(node.textContent);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
};
try {
  const packed = new Blob([held(document.getElementById("program"))]).stream();
  const program = document.createElement("script");
  program.type = "module";
  program.textContent = await new Response(packed.pipeThrough(new DecompressionStream("gzip"))).text();
  document.body.append(program);
} catch (error) {
  document.getElementById("stage").textContent = `This browser can't unpack the stage: ${error.message}.`;
}"""


def data_address(kind: str, content: bytes) -> str:
    """A picture as the text of its own address."""
    return f"data:{kind};base64,{b64encode(content).decode()}"
