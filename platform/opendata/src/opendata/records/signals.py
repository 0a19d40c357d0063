"""Signals of a record's life, for apps that make something of published records.

Receivers run in the transaction of the step that sends the signal: a receiver that raises
:class:`~opendata.records.drafts.Refused` undoes the step, with its message as the reason.
"""

from __future__ import annotations

from django.dispatch import Signal

#: What is wrong with a draft? Sent with `version`; receivers return a list of findings.
inspecting = Signal()
#: A draft is about to be submitted for review. Sent with `version`.
submitting = Signal()
#: The current version of a record is another one, or was withdrawn. Sent with `record` and `serve`,
#: the function that reads its file, or None for a stranger's file.
current_changed = Signal()
#: Does everything that records need exist? Receivers yield a sentence for each problem.
verifying = Signal()
