"""Predictions on the stage: what there is to bet on, what is kept, and that the run shows the answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.notebooks.predictions import ORDERS, VOTES
from tests.sampling import sample
from thplab.lessons.catalogue import make, predict
from thplab.lessons.kinds.bets import choices, stop_of
from thplab.lessons.progress_file import ENVIRONMENT, progress_file
from thplab.lessons.widgets.vote_box import VoteBox
from thplab.reading.facts import counter, free_frames
from thplab.table import Table

TABLE = Table.of(["what"], [("seen",)])


def box_of(name: str, seed: int = 0) -> VoteBox:
    box = predict(name, seed, shows=lambda: TABLE)
    assert isinstance(box, VoteBox)
    return box


@pytest.mark.parametrize(
    ("name", "seed"),
    [pytest.param(*each, marks=[] if each in sample(VOTES, 3) else [pytest.mark.long]) for each in VOTES],
)
def test_the_right_answer_is_among_three_or_more_and_each_choice_has_its_reason(name: str, seed: int) -> None:
    question = make(name, seed)
    assert question.vote is not None
    vote = question.vote()
    offered = choices(question, vote)
    stop = stop_of(question, vote)
    assert [text for text, value in offered.items() if question.kind.accepts(value)] == [stop["answer"]]
    assert len(stop["choices"]) == len(set(stop["choices"])) >= 3
    assert set(stop["why"]) == set(stop["choices"])
    assert all(question.because in why for why in stop["why"].values())
    assert 0 < vote.step < vote.shows < len(vote.recording)


def test_a_prediction_is_kept_and_shown_with_what_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "progress.json"))
    box = box_of("05.isolate")
    assert "Your prediction" not in box.text()
    said = box.check("512")
    assert "Your prediction: 512 frames" in said
    assert "The run says: 0 frames" in said
    assert "seen" in said
    assert said.partition("\n\n")[0] in box.text()
    kept = progress_file()
    assert kept is not None
    assert "512 frames" in kept.read_text()


@pytest.mark.parametrize("answer", ["b", "B", "0 frames", 0, " 0 "])
def test_a_letter_the_words_or_the_number_is_the_same_bet(answer: object) -> None:
    assert "as you said" in box_of("05.isolate").check(answer)


def test_what_is_no_answer_is_said_and_not_kept() -> None:
    box = box_of("05.isolate")
    assert "a letter, a to d" in box.check("many")
    assert "Your prediction" not in box.text()


def test_a_bet_on_the_stage_is_kept_and_the_table_waits_for_the_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "progress.json"))
    box = box_of("05.isolate")
    vote = box.vote
    box.stage.guesses = {str(vote.step): "512 frames"}
    box.stage.shown = vote.shows - 1
    assert "seen" not in box.children[1].value
    box.stage.shown = vote.shows
    assert "seen" in box.children[1].value
    assert "Your prediction: 512 frames" in box.written
    assert "512 frames" in (tmp_path / "progress.json").read_text()


def test_a_look_without_a_guess_is_no_prediction() -> None:
    box = box_of("05.isolate")
    box.stage.guesses = {str(box.vote.step): ""}
    box.stage.shown = box.vote.shows
    assert "seen" in box.children[1].value
    assert "Your prediction" not in box.text()


def test_without_a_bet_nothing_unfolds() -> None:
    box = box_of("05.isolate")
    box.stage.shown = box.vote.shows
    assert "seen" not in box.children[1].value


def test_the_slide_below_has_the_answer() -> None:
    question, _, answer = box_of("05.isolate").slide().partition('<hr class="next-slide">')
    assert question == ""
    assert "0 frames" in answer
    assert "seen" in answer


def test_the_moment_that_shows_has_the_answer() -> None:
    """Read in the state of the run, not as the question reads it."""
    units = box_of("06.units", 2).vote
    state = units.recording.state(units.shows)
    assert state.path("khugepaged.progress_of_pass") == make("06.units", 2).kind.right
    frames = box_of("08.frames", 2).vote
    grown = free_frames(frames.recording, frames.shows) - free_frames(frames.recording, frames.step)
    assert grown == make("08.frames", 2).kind.right == -512
    wasted = box_of("08.wasted", 3).vote
    moments = range(wasted.step, wasted.shows + 1)
    isolated = max(counter(wasted.recording, moment, "nr_isolated_anon") for moment in moments)
    assert isolated == make("08.wasted", 3).kind.right


def test_orders_are_no_votes() -> None:
    assert all(make(name).vote is None for name in ORDERS)
