"""A page carries its program packed, and starts it."""

from __future__ import annotations

from functools import cache
from gzip import compress


@cache
def packed(program: str) -> bytes:
    """A program as ``UNPACK`` starts it: a third of its size."""
    return compress(program.encode(), mtime=0)


#: Starts the program in the element ``program``; ``held(node)`` are the bytes in an element. The page's
#: policy has a hash of the program: it runs for that reason, and nothing else does that is put into the page.
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
