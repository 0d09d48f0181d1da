"""A prediction on the stage: bet on an answer, and watch the run show it."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from string import ascii_lowercase
from typing import Any

import ipywidgets as widgets

from thplab.lessons import progress_file
from thplab.lessons.kinds.bets import choices, stop_of
from thplab.lessons.kinds.question import Question
from thplab.lessons.kinds.simple import AnswerError
from thplab.lessons.kinds.vote import Vote
from thplab.lessons.widgets.written import WrittenBox
from thplab.stage import Stage
from thplab.stage.go_on import AGAIN
from thplab.table import Table


class VoteBox(WrittenBox):
    """A stage that asks before it shows. In Python: ``check("a")``, which also tells the answer.

    ``shows`` makes a table that appears with the answer, not before. Keys: those of the stage; a letter bets.
    """

    def __init__(
        self, question: Question, vote: Vote, seed: int = 0, shows: Callable[[], Table] | None = None
    ) -> None:
        """For a question and the run that shows its answer."""
        self.question, self.vote, self.seed = question, vote, seed
        self.choices = choices(question, vote)
        self._shows, self._message = shows, ""
        self.stage = Stage(
            vote.recording, step=vote.step, views=list(vote.views), stops=[stop_of(question, vote)]
        )
        self._shown = widgets.HTML()
        super().__init__([self.stage, self._shown])
        self.go_on.says = f"{AGAIN} Your answers are kept: progress()."
        self.stage.observe(self._guessed, "guesses")
        self.stage.observe(self._moved, "shown")

    def _guessed(self, change: Any) -> None:
        """A bet on the stage; an empty one is a look without a guess."""
        guess = change["new"].get(str(self.vote.step), "")
        if guess:
            self._take(self.choices[guess])

    def _moved(self, change: Any) -> None:
        """The run shows the answer: so does the table."""
        if change["new"] >= self.vote.shows and str(self.vote.step) in self.stage.guesses:
            self._unfold()

    def check(self, answer: object) -> str:
        """Bet without a browser, by a letter, a choice's words or any other answer; what the run says."""
        text = str(answer).strip()
        try:
            value = self._read(text)
        except AnswerError as error:
            return f"That is not a valid answer: {error}, or a letter, {self._letters}."
        return self._take(value) + self._unfold()

    def _read(self, text: str) -> object:
        lettered = dict(zip(ascii_lowercase, self.choices, strict=False))
        words = lettered.get(text.lower(), text)
        return self.choices[words] if words in self.choices else self.question.kind.read(text)

    def _take(self, value: object) -> str:
        """Keep a guess; what is said about it once it is seen."""
        verdict, guess = self.question.verdict(value), self._words(value)
        progress_file.note(self.question.name, self.seed, guess, verdict, predicted=True)
        told = "as you said" if verdict.right else verdict.message
        self._message = f"Your prediction: {guess}\n{self.question.answer()}\n({told})"
        self.write()
        return self._message

    def _words(self, value: object) -> str:
        known = (words for words, each in self.choices.items() if each == value)
        return next(known, self.question.kind.show(value))

    def _unfold(self) -> str:
        """Show the table that was kept back."""
        if self._shows is None:
            return ""
        table = self._shows()
        self._shown.value = table._repr_html_()
        return f"\n\n{table}"

    @property
    def _letters(self) -> str:
        return f"a to {ascii_lowercase[len(self.choices) - 1]}"

    def slide(self) -> str:
        """What the run says, on the slide below the stage."""
        table = self._shows()._repr_html_() if self._shows else ""
        answer = escape(self.question.answer()).replace("\n", "<br>")
        return f'<hr class="next-slide"><p>{answer}</p>{table}'

    def text(self) -> str:
        """The question as text, with the call that answers it; then what was answered and said."""
        lines = [f"Predict ({self.question.name}, seed {self.seed}). {self.question.prompt}"]
        lines += [f"  {letter}  {text}" for letter, text in zip(ascii_lowercase, self.choices, strict=False)]
        lines.append(f"Answer: a letter, {self._letters}. In Python: _.check('...')")
        return "\n".join([*lines, self._message] if self._message else lines)
