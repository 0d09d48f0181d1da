"""Kinds of questions: how an answer is read from text, judged and shown. No screen needed."""
