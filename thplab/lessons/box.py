"""A question on the screen: an answer, Check, two hints, and what the run says."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from string import ascii_lowercase
from typing import Any

import ipywidgets as widgets

from thplab.lessons.question import Question, Verdict
from thplab.table import Table

__all__ = ["QuestionBox"]

_COLOURS = {True: "#009e73", False: "#d55e00", None: "#cc79a7"}
_MARKS = {True: "✔", False: "✘", None: "?"}


class QuestionBox(widgets.VBox):
    """One question. Every button is a method too: ``check("42")``, ``hint()``, ``reveal()``.

    With ``predict`` an answer is a prediction: it is kept, and shown beside what the run says, and a
    wrong one is no mistake. ``shows`` makes a table that appears with the answer, not before. Keys:
    type the answer, Enter checks it; Tab goes on to the buttons.
    """

    def __init__(
        self, question: Question, *, predict: bool = False, shows: Callable[[], Table] | None = None
    ) -> None:
        """For ``question``."""
        self.question, self.predict, self._shows = question, predict, shows
        self.given: list[str] = []
        self._hints = 0
        self._field = widgets.Text(
            placeholder=question.kind.ask,
            continuous_update=False,
            description="Your guess" if predict else "Your answer",
            style={"description_width": "initial"},
            layout={"width": "min(100%, 32em)"},
        )
        self._field.observe(self._entered, "value")
        self._said = widgets.HTML(layout={"margin": "2px 0 0 0"})
        self._shown = widgets.HTML()
        below = [self._field, self._buttons(), self._said, self._shown]
        super().__init__([self._prompt(), *self._options(), *below])
        self.add_class("thplab-question")
        self.layout.padding = "8px 12px"
        self.layout.border = "1px solid #888"

    def _prompt(self) -> widgets.HTML:
        kind = "Predict" if self.predict else "Question"
        return widgets.HTML(
            f'<div style="line-height:1.4"><b>{kind}.</b> {escape(self.question.prompt)}</div>'
        )

    def _options(self) -> list[widgets.Widget]:
        """The options, and a button for each that types its letter."""
        options = self.question.kind.options
        if not options:
            return []
        rows = "".join(f"<li>{escape(text)}</li>" for text in options)
        listed = widgets.HTML(f'<ol type="a" style="margin:4px 0;line-height:1.4">{rows}</ol>')
        letters = [self._letter(ascii_lowercase[i], text) for i, text in enumerate(options)]
        return [listed, widgets.HBox(letters, layout={"flex_flow": "row wrap"})]

    def _letter(self, letter: str, text: str) -> widgets.Button:
        button = widgets.Button(description=letter, tooltip=text, layout={"width": "3em"})
        button.on_click(lambda _: self._type(letter))
        return button

    def _buttons(self) -> widgets.HBox:
        check = widgets.Button(description="Lock it in" if self.predict else "Check", button_style="primary")
        check.on_click(lambda _: self.check(self._field.value))
        buttons = [check]
        if not self.predict:
            hint = widgets.Button(description="Hint")
            hint.on_click(lambda _: self.hint())
            buttons.append(hint)
        reveal = widgets.Button(description="What the run says")
        reveal.on_click(lambda _: self.reveal())
        return widgets.HBox([*buttons, reveal], layout={"flex_flow": "row wrap"})

    def _type(self, letter: str) -> None:
        """A click on an option: a choice is replaced, an order is continued."""
        many = isinstance(self.question.kind.right, tuple)
        self._field.unobserve(self._entered, "value")
        self._field.value = f"{self._field.value} {letter}".strip() if many else letter
        self._field.observe(self._entered, "value")

    def _entered(self, change: Any) -> None:
        if change["new"].strip():
            self.check(change["new"])

    def check(self, answer: object) -> str:
        """Judge an answer; what is said about it."""
        text = str(answer)
        verdict = self.question.judge(text)
        if verdict.right is not None and (not self.given or self.given[-1] != text):
            self.given.append(text)
        if self.predict and verdict.right is not None:
            verdict = Verdict(verdict.right, self._beside(text, verdict))
        unfold = verdict.right is not None if self.predict else verdict.right
        return self._say(verdict) + (self._unfold() if unfold else "")

    def _beside(self, text: str, verdict: Verdict) -> str:
        kind = self.question.kind
        told = "as you said" if verdict.right else verdict.message
        return f"Your prediction: {kind.show(kind.read(text))}\n{self.question.answer()}\n({told})"

    def hint(self) -> str:
        """The first hint, then the second."""
        which = min(self._hints, len(self.question.hints) - 1)
        self._hints = which + 1
        return self._say(Verdict(None, f"Hint {which + 1}: {self.question.hints[which]}"))

    def reveal(self) -> str:
        """The answer, once something has been tried."""
        if not self.given:
            ask = "Guess first" if self.predict else "Try first, or take a hint twice"
            if self.predict or self._hints < len(self.question.hints):
                return self._say(
                    Verdict(None, f"{ask}: a wrong guess costs nothing, and what surprises you stays.")
                )
        return self._say(Verdict(True, self.question.answer())) + self._unfold()

    def _unfold(self) -> str:
        """Show the table that was kept back."""
        if self._shows is None:
            return ""
        table = self._shows()
        self._shown.value = table._repr_html_()
        return f"\n\n{table}"

    def _say(self, verdict: Verdict) -> str:
        colour, mark = _COLOURS[verdict.right], _MARKS[verdict.right]
        if self.predict and verdict.right is False:
            mark, colour = "→", _COLOURS[None]
        body = escape(verdict.message).replace("\n", "<br>")
        self._said.value = (
            f'<div role="status" aria-live="polite" style="border-left:4px solid {colour};padding:2px 8px;'
            f'line-height:1.4">{mark} {body}</div>'
        )
        return verdict.message

    def text(self) -> str:
        """The question as text, with the calls that answer it."""
        options = [
            f"  {letter}  {text}"
            for letter, text in zip(ascii_lowercase, self.question.kind.options, strict=False)
        ]
        ask = f"Answer: {self.question.kind.ask}. In Python: _.check('...'), _.hint(), _.reveal()"
        return "\n".join([self.question.prompt, *options, ask])

    def __repr__(self) -> str:
        """The question as text."""
        return self.text()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The widget, and where widgets are off the question as text."""
        bundle = super()._repr_mimebundle_(**kwargs)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        data["text/plain"] = self.text()
        return bundle
