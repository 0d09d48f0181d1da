"""Several questions at once: what an earlier notebook taught, and what this one did."""

from __future__ import annotations

from random import Random

from thplab.lessons.catalogue import ask, questions
from thplab.lessons.widgets.box import QuestionBox
from thplab.lessons.widgets.written import WrittenBox

_HOW_MANY = 3


class QuestionSet(WrittenBox):
    """Boxes below each other; ``boxes`` holds them, and ``set[0]`` is the first."""

    def __init__(self, names: list[str], seed: int) -> None:
        """For the questions of these names."""
        self.boxes = [ask(name, seed) for name in names]
        super().__init__(self.boxes)
        for box in self.boxes:
            box.layout.margin = "0 0 8px 0"
            box.observe(lambda _: self.write(), "written")

    def __getitem__(self, number: int) -> QuestionBox:
        """The box ``number``, from 0."""
        return self.boxes[number]

    def text(self) -> str:
        """All questions as text."""
        numbered = enumerate(self.boxes)
        return "\n\n".join(box.text().replace("_.", f"_[{number}].") for number, box in numbered)


def recall(notebook: int, seed: int = 0) -> QuestionSet:
    """Three questions about earlier notebooks: two about the one before, one about those before that.

    Where only one notebook with questions comes before, all three are about that one. ``seed`` draws
    which, and their numbers. ValueError if no earlier notebook has questions.
    """
    before = sorted({_book(name) for name in questions() if _book(name) < notebook})
    if not before:
        raise ValueError(f"no notebook before {notebook} has questions to recall")
    random = Random(f"recall {notebook} {seed}")
    last, older = _of(before[-1]), [name for book in before[:-1] for name in _of(book)]
    names = random.sample(last, _HOW_MANY - 1 if older else _HOW_MANY)
    return QuestionSet(names + (random.sample(older, 1) if older else []), seed + 1)


def exit_ticket(notebook: int, seed: int = 0) -> QuestionSet:
    """Three questions about a notebook itself, drawn by ``seed``."""
    random = Random(f"exit {notebook} {seed}")
    return QuestionSet(random.sample(_of(notebook), _HOW_MANY), seed + 2)


def _book(name: str) -> int:
    return int(name.partition(".")[0])


def _of(notebook: int) -> list[str]:
    """The questions of a notebook that can stand alone. ValueError if there are too few."""
    names = [name for name in questions() if _book(name) == notebook]
    if len(names) < _HOW_MANY:
        raise ValueError(f"notebook {notebook} has {len(names)} questions; {_HOW_MANY} are needed")
    return names
