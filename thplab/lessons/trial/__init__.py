"""A student's code on trial: run under limits, in a process of its own where there is one.

``trial.py`` is what a question uses. The notebook's Python never runs the code: ``bench.py`` keeps a process
ready, ``server.py`` is that process, ``child.py`` the one that it forks for each answer. In a browser, where
there are no processes, ``inside.py`` runs it under a guard. ``perform.py`` is the run itself, ``words.py``
says what went wrong.
"""
