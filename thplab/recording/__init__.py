"""Recordings: every line, call, trace event and change of state of a run, and exact steps back."""

from thplab.recording.backtrace import backtrace
from thplab.recording.need import RecordingError
from thplab.recording.recorder import DEPTHS, Recorder, RecordingTooLong
from thplab.recording.recording import Frame, Moment, Recording
from thplab.recording.scenario import record_scenario, record_what_fits
from thplab.recording.state import State, snapshot_bytes

__all__ = [
    "DEPTHS",
    "Frame",
    "Moment",
    "Recorder",
    "Recording",
    "RecordingError",
    "RecordingTooLong",
    "State",
    "backtrace",
    "record_scenario",
    "record_what_fits",
    "snapshot_bytes",
]
