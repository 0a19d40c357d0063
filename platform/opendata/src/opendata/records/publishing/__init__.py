"""The life of a record: draft, review, published, withdrawn.

Every change goes through a function of this package, which checks who may make it, takes effect
completely or not at all, and writes the audit.
"""

from opendata.records.drafts import Draft, NewRecord, Refused, draft_like, fields_of, validated
from opendata.records.publishing.drafting import (
    change,
    create,
    discard,
    new_version,
    next_version,
)
from opendata.records.publishing.files import add_file, media_type, remove_file
from opendata.records.publishing.labels import label_number, next_label
from opendata.records.publishing.review import (
    approve,
    findings,
    reject,
    sent_back,
    submit,
    withdraw,
)
from opendata.records.publishing.steps import NotAllowed

__all__ = [
    "Draft",
    "NewRecord",
    "NotAllowed",
    "Refused",
    "add_file",
    "approve",
    "change",
    "create",
    "discard",
    "draft_like",
    "fields_of",
    "findings",
    "label_number",
    "media_type",
    "new_version",
    "next_label",
    "next_version",
    "reject",
    "remove_file",
    "sent_back",
    "submit",
    "validated",
    "withdraw",
]
