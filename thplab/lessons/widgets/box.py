"""A question on the screen: an answer, Check, two hints, and what the run says."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html import escape

import ipywidgets as widgets

from thplab.lessons import progress_file
from thplab.lessons.kinds.classify import Classify
from thplab.lessons.kinds.coding import Code
from thplab.lessons.kinds.explaining import Explain
from thplab.lessons.kinds.painting import Paint
from thplab.lessons.kinds.question import Question, Verdict
from thplab.lessons.kinds.simple import Kind
from thplab.lessons.kinds.stopping import Stop
from thplab.lessons.widgets.fields import CodeField, Field, GroupsField, ProseField, StopField, TextField
from thplab.lessons.widgets.paint_field import PaintField
from thplab.lessons.widgets.run_box import RunBox, printed_html
from thplab.lessons.widgets.written import WrittenBox
from thplab.stage.cells import close
from thplab.stage.go_on import AGAIN
from thplab.table import Table

_COLOURS = {True: "#009e73", False: "#d55e00", None: "#cc79a7"}
#: An option's letter, or the number of a thing to be sorted.
_LETTER, _BOLD = re.compile(r"^(\w|\d+\.)  ?(?=\S)"), r"<b>\1</b>&ensp;"
_MARKS = {True: "✔", False: "✘", None: "?"}


class QuestionBox(WrittenBox):
    """One question. Every button is a method too: ``check("42")``, ``hint()``, ``reveal()``.

    With ``predict`` an answer is a prediction: it is kept, and shown beside what the run says, and a
    wrong one is no mistake. ``shows`` makes a table that appears with the answer, not before. Keys:
    type the answer, Enter checks it; Tab goes on to the buttons.
    """

    def __init__(
        self,
        draw: Callable[[int], Question],
        seed: int = 0,
        *,
        predict: bool = False,
        shows: Callable[[], Table] | None = None,
    ) -> None:
        """For the question that ``draw`` makes of ``seed``."""
        self._draw, self.predict, self._shows = draw, predict, shows
        super().__init__()
        self.go_on.says = f"{AGAIN} Your answers are kept: progress()."
        self.add_class("thplab-question")
        self.layout.padding = "8px 12px"
        self.layout.border = "1px solid #888"
        self._begin(seed)

    def _begin(self, seed: int) -> None:
        """Put the question of a seed into the box."""
        self.seed, self.question = seed, self._draw(seed)
        self.given: list[str] = []
        self._hints = 0
        self._judged = False
        self._message = ""
        self.field = _field_for(self.question.kind, "Your guess" if self.predict else "Your answer")
        self.field.enter = self.check
        self.field.touched = self._forget_verdict
        self._said = widgets.HTML(layout={"margin": "2px 0 0 0"})
        self._shown = widgets.HTML()
        before = self.children
        self.children = [self._prompt(), *self.field.children, self._buttons(), self._said, self._shown]
        close(each for each in before if each is not self.go_on)

    def _prompt(self) -> widgets.HTML:
        kind = "Predict" if self.predict else "Question"
        return widgets.HTML(
            f'<div style="line-height:1.4"><b>{kind}.</b> {escape(self.question.prompt)}</div>'
        )

    def _buttons(self) -> widgets.HBox:
        check = widgets.Button(description="Lock it in" if self.predict else "Check", button_style="primary")
        check.on_click(lambda _: self._press_check())
        self._running = RunBox(check) if isinstance(self.question.kind, Code) else None
        buttons = [check]
        if not self.predict:
            hint = widgets.Button(description="Hint")
            hint.on_click(lambda _: self.hint())
            buttons.append(hint)
        reveal = widgets.Button(description="Show the answer")
        reveal.on_click(lambda _: self.reveal())
        buttons.append(reveal)
        if not self.predict:
            another = widgets.Button(
                description="Another",
                tooltip=f"{self.question.name}, seed {self.seed}; next seed {self.seed + 1}",
            )
            another.on_click(lambda _: self.another())
            buttons.append(another)
        if self._running is not None:
            buttons.append(self._running)  # last, so that the others stay where they are
        return widgets.HBox(buttons, layout={"flex_flow": "row wrap"})

    def check(self, answer: object) -> str:
        """Judge an answer; what is said about it. Code runs meanwhile; to interrupt the cell ends it."""
        return self._take(str(answer), self.question.judge(str(answer)))

    def _press_check(self) -> None:
        """Code runs beside the notebook, so that it can be stopped; any other answer is judged at once."""
        kind, text, state = self.question.kind, self.field.value, self._running
        if state is not None and state.busy:
            return
        if state is None or not isinstance(kind, Code) or not state.begin(kind, text, self._done):
            self.check(text)

    def _done(self, text: str, read: Callable[[str], object]) -> None:
        self._take(text, self.question.judge(text, read))

    def _take(self, text: str, verdict: Verdict) -> str:
        """Keep a judged answer, and say what there is to say."""
        if verdict.right is not None and (not self.given or self.given[-1] != text):
            self.given.append(text)
            progress_file.note(self.question.name, self.seed, text, verdict, predicted=self.predict)
        if self.predict and verdict.right is not None:
            verdict = replace(verdict, message=self._beside(verdict))
        unfold = verdict.right is not None if self.predict else verdict.right
        return self._say(verdict) + (self._unfold() if unfold else "")

    def _beside(self, verdict: Verdict) -> str:
        kind = self.question.kind
        told = "as you said" if verdict.right else verdict.message
        return f"Your prediction: {kind.show(verdict.value)}\n{self.question.answer()}\n({told})"

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
        if not self.predict:
            progress_file.note(self.question.name, self.seed, "", Verdict(None, ""))
        return self._say(Verdict(True, self.question.answer())) + self._unfold()

    def another(self) -> str:
        """The same question as the next seed draws it."""
        self._begin(self.seed + 1)
        return self.text()

    def _unfold(self) -> str:
        """Show the table that was kept back."""
        if self._shows is None:
            return ""
        table = self._shows()
        self._shown.value = table._repr_html_()
        return f"\n\n{table}"

    def _say(self, verdict: Verdict) -> str:
        self._judged = verdict.right is not None
        colour, mark = _COLOURS[verdict.right], _MARKS[verdict.right]
        if self.predict and verdict.right is False:
            mark, colour = "→", _COLOURS[None]
        body = escape(verdict.message).replace("\n", "<br>")
        self._said.value = (
            f'<div role="status" aria-live="polite" style="border-left:4px solid {colour};padding:2px 8px;'
            f'line-height:1.4">{mark} {body}</div>{printed_html(verdict.printed)}'
        )
        self._message = verdict.told
        self.write()
        return verdict.told

    def _forget_verdict(self) -> None:
        """What was said about another answer goes; a hint stays."""
        if self._judged:
            self._said.value = ""

    def slide(self) -> str:
        """The question, and on the slide below it what the run says."""
        word = "Predict" if self.predict else "Question"
        listing = () if isinstance(self.question.kind, Stop) else self.question.kind.listing
        lines = "".join(f"<li>{_LETTER.sub(_BOLD, escape(line.strip()))}</li>" for line in listing)
        table = self._shows()._repr_html_() if self._shows else ""
        answer = escape(self.question.answer()).replace("\n", "<br>")
        return (
            f"<p><b>{word}.</b> {escape(self.question.prompt)}</p>"
            + (f'<ul style="list-style:none;padding-left:0">{lines}</ul>' if lines else "")
            + f'<hr class="next-slide"><p>{answer}</p>{table}'
        )

    def text(self) -> str:
        """The question as text, with the calls that answer it; then what was answered and said."""
        kind = self.question.kind
        calls = "_.check('...'), _.hint(), _.reveal()" + ("" if self.predict else ", _.another()")
        head = f"{'Predict' if self.predict else 'Question'} ({self.question.name}, seed {self.seed})"
        ask = f"Answer: {kind.ask}. In Python: {calls}"
        lines = [f"{head}. {self.question.prompt}", *(f"  {line}" for line in kind.listing), ask]
        if self.given and not self.predict:
            lines.append(f"Your answer: {self.given[-1]}")
        return "\n".join([*lines, self._message] if self._message else lines)


def _field_for(kind: Kind, label: str) -> Field:
    """The controls for a kind of question."""
    if isinstance(kind, Classify):
        return GroupsField(kind)
    if isinstance(kind, Stop):
        return StopField(kind, label)
    if isinstance(kind, Explain):
        return ProseField(kind)
    if isinstance(kind, Paint):
        return PaintField(label)
    return CodeField(kind) if isinstance(kind, Code) else TextField(kind, label)
