"""Answers in code that do not end, that do not parse, or that damage what they run in. Each is to be told so.

Each is the body of ``def f(x):``, or all of a source if it begins with ``!``.
"""

from __future__ import annotations

from collections.abc import Callable

from thplab.lessons.kinds.coding import Code
from thplab.lessons.trial.job import Job, Limits, name_of
from thplab.lessons.trial.words import shown

#: kind -> source. They go on until they are stopped, each for another reason why that is hard.
ENDLESS = {
    "a loop on one line": "while True: pass",
    "a loop on two lines": "while True:\n  x += 1",
    "on one line of the module": "!def f(x): return x\nwhile True: pass",
    "exec": "exec('while True:\\n y = 1')",
    "exec on one line": "exec('while 1: pass')",
    "eval": "eval('[0 for y in iter(int, 1) if y]')",
    "compiled under another name": "exec(compile('while 1: pass', '/lib/x.py', 'exec'))",
    "tracing off": "import sys; sys.settrace(None)\nwhile True: pass",
    "a loop in C": "return sum(iter(int, 1))",
    "a loop in C that collects nothing": "import collections; collections.deque(iter(int, 1), 0)",
    "a number without end": "return 9 ** 9 ** 9",
    "a pattern that goes back": "import re; re.match('(a+)+$', 'a' * 64 + 'b')",
    "sleep": "import time; time.sleep(10 ** 6)",
    "sleep again and again": "import time\nwhile True:\n  try: time.sleep(1)\n  except BaseException: pass",
    "a lock": "import threading; l = threading.Lock(); l.acquire(); l.acquire()",
    "a queue": "import queue; queue.Queue().get()",
    "a pipe": "import os; os.read(os.pipe()[0], 1)",
    "a socket": "import socket; a, b = socket.socketpair(); a.recv(1)",
    "joining a thread": (
        "import threading\ndef g():\n  while True: pass\nt = threading.Thread(target=g); t.start(); t.join()"
    ),
    "everything caught": "while True:\n  try:\n    while True: pass\n  except BaseException: continue",
    "everything caught, in functions": "try: return f(x)\nexcept BaseException: return f(x)",
    "finally": "while True:\n  try: pass\n  finally: continue",
    "signals ignored": (
        "import signal\nfor n in range(1, 65):\n  try: signal.signal(n, 1)\n  except Exception: 0\n"
        "while True: pass"
    ),
    "alarms ignored": "import faulthandler as f; f.unregister(10); f.disable()\nwhile 1: pass",
    "printing": "while True: print('again')",
    "printing in C": "import os\nwhile True: os.write(1, b'again ' * 100)",
    "equal to nothing": "!class E:\n  def __eq__(s, o):\n    while True: pass\ndef f(x): return E()",
    "never shown": "!class E:\n  def __repr__(s):\n    while True: pass\ndef f(x): return E()",
    "an error without a message": (
        "!class E(Exception):\n  def __str__(s):\n    while True: pass\ndef f(x): raise E"
    ),
    "a hash": "!class E:\n  def __hash__(s):\n    while 1: pass\ndef f(x): return {E(): 1}",
    "a generator": "g = (y for y in iter(int, 1)); return list(1 for y in g if y)",
    "asyncio": "import asyncio\nasync def g():\n  while True: await asyncio.sleep(0)\nasyncio.run(g())",
    "files without end": "n = 0\nwhile True:\n  n += 1; open(str(n % 50), 'w').write('y')",
}

#: kind -> source. They end, and Python or the memory would be worse off.
DAMAGING = {
    "a huge text": "return 'y' * 10 ** 12",
    "a growing list": "y = []\nwhile True: y.append('y' * 10 ** 6)",
    "a growing list, caught": (
        "y = []\nfor n in range(9999):\n  try: y.append(bytearray(10 ** 7))\n  except MemoryError: pass\n"
        "return 1 / 0"
    ),
    "bytes": "return len(bytes(1 << 40))",
    "recursion": "return f(x)",
    "recursion without a limit": "import sys; sys.setrecursionlimit(10 ** 9)\nreturn f(x)",
    "a deep thing": "a = []\nfor n in range(10 ** 6): a = [a]\nreturn a == eval('a')",
    "threads": (
        "import threading, time\nwhile True:\n"
        "  threading.Thread(target=time.sleep, args=(9,), daemon=True).start()"
    ),
    "_exit": "import os; os._exit(3)",
    "_exit of posix": "import posix; posix._exit(0)",
    "abort": "import os; os.abort()",
    "a crash": "import ctypes; ctypes.string_at(0)",
    "a crash of a signal": "import signal; signal.raise_signal(signal.SIGKILL)",
    "exit": "import sys; sys.exit(3)",
    "quit": "raise SystemExit",
    "exit at once": "!raise SystemExit(0)\ndef f(x): return x",
    "killing itself": "import os; os.kill(os.getpid(), 9)",
    "killing its parent": "import os; os.kill(os.getppid(), 9)",
    "killing its group": "import os; os.killpg(0, 9)",
    "killing all": "import os; os.kill(-1, 9)",
    "forks": "import os\nwhile True: os.fork()",
    "another program": "import subprocess; subprocess.run(['sleep', '99'])",
    "a shell": "import os; os.system('sleep 99')",
    "another process": "import multiprocessing as m; p = m.Process(target=f, args=(1,)); p.start()",
    "no len": "import builtins; builtins.len = None\nreturn 1 / 0",
    "no built-in at all": "import builtins; vars(builtins).clear()",
    "no print": "import builtins; builtins.print = builtins.isinstance = None\nraise ValueError",
    "no import": "import builtins; builtins.__import__ = None\nreturn 1 / 0",
    "no modules": "import sys; sys.modules.clear()\nreturn 1 / 0",
    "no json": "import json; json.dumps = json.loads = None\nreturn 1 / 0",
    "another thplab": "import thplab.words as w; vars(w).clear()\nreturn 1 / 0",
    "no gc": "import gc; gc.disable()\nreturn 1 / 0",
    "another place": "import os; os.chdir('/'); os.environ.clear()\nreturn 1 / 0",
    "no files": "import os\nfor n in os.listdir(): os.remove(n)\nreturn 1 / 0",
    "closed descriptors": "import os; os.closerange(0, 4096)\nreturn 1 / 0",
    "rubbish in descriptors": (
        "import os\nfor n in range(64):\n  try: os.write(n, b'{\"words\": 3}\\n' * 9)\n"
        "  except OSError: pass\nreturn 1 / 0"
    ),
    "no standard output": "import sys; sys.stdout = sys.stderr = None\nreturn 1 / 0",
    "closed standard output": "import sys; sys.stdout.close(); sys.stdin.close()\nreturn 1 / 0",
    "a hook": "import sys; sys.excepthook = sys.unraisablehook = sys.displayhook = None\nreturn 1 / 0",
    "a frame up": "import sys; sys._getframe(1).f_globals.clear()\nreturn 1 / 0",
    "a thread that goes on": (
        "import threading\ndef g():\n  while True: pass\nthreading.Thread(target=g).start()\nreturn 1 / 0"
    ),
    "at exit": "import atexit\ndef g():\n  while True: pass\natexit.register(g)\nreturn 1 / 0",
    "a long repr": "a = [x]\nfor n in range(99): a = [a, a]\nreturn a",
    "input": "return input('?')",
    "standard input": "import sys\nif sys.stdin.read() == '': raise EOFError",
    "a trap": "import signal; signal.signal(2, lambda *_: 0)\nreturn 1 / 0",
    "KeyboardInterrupt": "raise KeyboardInterrupt",
    "GeneratorExit": "raise GeneratorExit",
    "an error of its own": "!class E(BaseException): pass\ndef f(x): raise E",
    "an error that has no text": "!class E(Exception):\n  def __str__(s): raise s\ndef f(x): raise E",
    "an error whose text is none": "!class E(Exception):\n  def __str__(s): return 3\ndef f(x): raise E",
    "an error of half a letter": "raise ValueError('\\ud800')",
    "a long error": "raise ValueError('y' * 10 ** 7)",
    "an error of markup": "raise ValueError('<script>1</script>')",
    "an error of errors": "raise ExceptionGroup('two', [ValueError(1), ValueError(2)])",
    "NaN": "return float('nan')",
    "a huge number": "return 10 ** 5000",
    "nothing": "pass",
    "itself": "return f",
    "a list in itself": "a = []; a.append(a); return a",
    "a generator": "yield x",
    "not equal": "!class E:\n  def __eq__(s, o): raise KeyError\n  __hash__ = None\ndef f(x): return E()",
    "not shown": "!class E:\n  def __repr__(s): raise KeyError\ndef f(x): return E()",
    "no argument": "!def f(): return 4",
    "two arguments": "!def f(x, y): return 4",
    "no function at the end": "!def f(x): return x\nf = 3",
}

#: kind -> source and the line that is named. Python can't read them.
UNREADABLE = {
    "no colon": ("!def f(x)\n    return x", 1),
    "return outside": ("!def f(x):\n    pass\nreturn 1", 3),
    "return of the module": ("!def f(x): pass\nreturn 1", 2),
    "break": ("pass\nbreak", 3),
    "continue": ("!def f(x): pass\ncontinue", 2),
    "yield": ("!def f(x): pass\nyield 1", 2),
    "nonlocal": ("nonlocal z", 2),
    "await": ("await x", 2),
    "two of a name": ("!def f(x, x): pass", 1),
    "import *": ("from os import *", 2),
    "global after use": ("y = 1\nglobal y", 3),
    "a deep expression": ("return " + "-" * 3000 + "1", 2),
    "brackets": ("return " + "(" * 300 + "1" + ")" * 300, 2),
    "a long sum": ("return " + "1+" * 4500 + "x", 2),
    "half a letter": ("pass #\ud800", 2),
    "half a letter in a text": ("return '\udfff'", 2),
    "a null": ("pass\0", 2),
    "tabs": ("if x:\n\treturn 1\n        return 2", 4),
    "no indent": ("!def f(x):\nreturn 1", 2),
    "a text without end": ("return '", 2),
    "a bracket without end": ("return (", 2),
    "a digit too many": ("return " + "9" * 5000, 2),
    "other quotes": ("return “x”", 2),
    "starred": ("return *x = 3", 2),
    "no target": ("1 = x", 2),
    "f-string": ("return f'{'", 2),
    "a future": ("from __future__ import braces", 2),
    "an encoding": ("!# coding: nonsense\ndef f(x): return (", 2),
    "nothing": ("!", None),
    "another name": ("!def g(x): return x", None),
    "a class": ("!class f: pass", None),
    "asynchronous": ("!async def f(x): return x", None),
}


def source(text: str) -> str:
    """The whole source."""
    if text.startswith("!"):
        return text[1:]
    return "def f(x):\n" + "\n".join(f"    {line}" for line in text.split("\n"))


def check_double(function: Callable[[int], object]) -> str:
    """Trusts what it is given more than it should, as a new question might."""
    for number in (1, 2, 5):
        given = function(number)
        if given != 2 * number:
            return f"f({number}) gives {shown(given)}; it should be {2 * number}."
    return ""


DOUBLE = Code("f", "def f(x):\n    return x", "def f(x):\n    return 2 * x", check_double)

#: For what does not end. What ends gets more, since a busy computer takes its time to begin.
SHORT = Limits(seconds=0.6, memory=64 << 20, printed=100)
LIMITS = Limits(seconds=20, memory=64 << 20, printed=100)


def limits_for(text: str) -> Limits:
    """Short for the endless loops of the tests."""
    return SHORT if "while True:" in text or "iter(int" in text else LIMITS


def job(text: str, limits: Limits | None = None) -> Job:
    """What a question would have tried."""
    limits = limits or limits_for(text)
    return Job("f", "def f(x):", source(text), name_of(check_double), (), limits)
