"""Reading a recording in Python: one moment with all that can be said of it, as text, as facts, compared.

Nothing here needs a screen; the stage, the lessons and the exports read through these modules. What a moment
means (sentence, window, entry, spans) stands in the recording's columns: nothing here computes it.
"""
