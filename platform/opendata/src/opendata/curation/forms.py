"""Forms of the curation pages, which make drafts for :mod:`opendata.records.publishing`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Self

from django import forms
from pydantic import ValidationError

from opendata.curation.credit import BLANK, ROWS, CreatorForm, FundingForm, posted
from opendata.records.bylines import creators_of
from opendata.records.models import Kind, Record, Version
from opendata.records.publishing import Draft, NewRecord
from opendata.records.subjects import UAT, UAT_NAME, Subject
from openkm3.metadata import KTYPES

#: Fields of the metadata's header that have a field of their own in the form. What is pasted as
#: `author` is read into rows.
HEADER = ("author", "contact", "instrument", "license", "reference")


def _ktypes() -> list[tuple[str, str]]:
    words = sorted(KTYPES.values(), key=lambda word: word.name)
    return [(word.name, f"{word.label} ({word.name})") for word in words]


class DraftForm(forms.Form):
    """The content of a version, with rows for its creators and their funding.

    Parameters
    ----------
    data : Mapping, optional
        The posted form.
    initial, rows : dict, optional
        What fields and rows show otherwise.
    blank : int
        Number of empty rows to show.
    """

    title = forms.CharField(min_length=3, max_length=300)
    description = forms.CharField(
        required=False,
        max_length=20_000,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text="Published exactly as written, with its paragraphs and blank lines.",
    )
    ktype = forms.ChoiceField(label="Content type", choices=_ktypes)
    label = forms.CharField(label="Version", initial="1.0", max_length=30)
    simulated = forms.BooleanField(
        required=False, help_text="The title of simulated data must contain SIMULATED."
    )
    author = forms.CharField(
        label="Or paste authors as text",
        required=False,
        max_length=200_000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Family, Given; Family, Given; KM3NeT Collaboration. Saving adds a row for each.",
    )
    subjects = forms.MultipleChoiceField(
        label=UAT_NAME,
        required=False,
        choices=[(term, term) for term in UAT],
        widget=forms.CheckboxSelectMultiple,
        help_text="If none is chosen, subjects follow from content type and instrument.",
    )
    keywords = forms.CharField(
        label="Other subjects",
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="One per line. A term of another thesaurus needs its name and the term's "
        "address: term | thesaurus | https://...",
    )
    contact = forms.CharField(required=False, max_length=300)
    instrument = forms.CharField(required=False, max_length=100, help_text="ORCA, ARCA, ANTARES …")
    license = forms.CharField(
        label="Licence",
        required=False,
        max_length=100,
        help_text="SPDX identifier, such as CC-BY-4.0",
    )
    reference = forms.CharField(required=False, max_length=500, help_text="Web address or citation")
    doi = forms.CharField(label="DOI", required=False, max_length=200)
    url = forms.CharField(
        label="Web address",
        required=False,
        max_length=500,
        help_text="If the data are hosted elsewhere",
    )
    publisher = forms.CharField(
        label="Published elsewhere by",
        required=False,
        max_length=300,
        help_text="For papers, and for data that a DOI or web address leads to",
    )
    issued = forms.CharField(
        label="Published elsewhere on",
        required=False,
        max_length=10,
        help_text="2018, 2018-08 or 2018-08-21",
    )
    table = forms.CharField(
        label="Table in the VO",
        required=False,
        max_length=130,
        help_text="SCHEMA.TABLE, the name of the file's table in TAP and cone search",
    )
    changes = forms.CharField(
        label="What is new", required=False, max_length=5000, help_text="Since the last version"
    )
    more = forms.CharField(
        label="More metadata (JSON)",
        required=False,
        max_length=500_000,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "class": "mono"}),
        help_text="origin, paraminfo and anything else that describes the data; an uploaded "
        "file may contain them",
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        initial: dict[str, Any] | None = None,
        rows: dict[str, list[dict[str, Any]]] | None = None,
        blank: int = BLANK,
    ) -> None:
        super().__init__(data, initial=initial)
        self.rows = {}
        for name, kind in ROWS.items():
            bound = data if data is not None and posted(data, name) else None
            self.rows[name] = kind(bound, prefix=name, initial=(rows or {}).get(name))
            self.rows[name].extra = blank

    @classmethod
    def with_more_rows(cls, data: Mapping[str, Any]) -> Self:
        """Returns the form as it was typed, with more empty rows and without errors."""
        typed = cls(data)
        return cls(
            initial={name: typed[name].value() for name in typed.fields},
            rows={name: rows.typed() if rows.is_bound else [] for name, rows in typed.rows.items()},
            blank=BLANK + 5,
        )

    def is_valid(self) -> bool:
        """Checks fields and rows."""
        rows = [rows.is_valid() for rows in self.rows.values() if rows.is_bound]
        return super().is_valid() and all(rows)

    def clean_keywords(self) -> list[Subject]:
        """Reads one subject per line."""
        found = []
        for line in self.cleaned_data["keywords"].splitlines():
            if not line.strip():
                continue
            term, scheme, uri = ([part.strip() for part in line.split("|")] + ["", ""])[:3]
            try:
                found.append(Subject(term=term, scheme=scheme, uri=uri))
            except ValidationError as error:
                message = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
                raise forms.ValidationError(f"{line.strip()}: {message}") from None
        return found

    def clean_more(self) -> dict[str, Any]:
        """Reads the JSON."""
        text = self.cleaned_data["more"].strip() or "{}"
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(f"This is not valid JSON: {error}") from None
        if not isinstance(value, dict):
            raise forms.ValidationError('This is not a JSON object; write {"origin": ...}.')
        return value

    def draft(self, service: dict[str, str] | None = None) -> Draft | None:
        """Returns the draft, or None after adding errors to the fields that are wrong.

        Parameters
        ----------
        service : dict, optional
            The service of the version so far; its addresses are kept.
        """
        entered = self.cleaned_data
        metadata = dict(entered["more"])
        header: Any = metadata.get("header")
        header = header if isinstance(header, dict) else {}
        if not entered["author"] and isinstance(header.get("author"), str):
            entered["author"] = header["author"]
        known = {key: entered[key] for key in HEADER if entered[key]}
        others = {key: value for key, value in header.items() if key not in HEADER}
        named = {"name": entered["title"], "description": entered["description"]} | others
        metadata |= {
            "ktype": entered["ktype"],
            "header": {k: v for k, v in named.items() if v not in (None, "")} | known,
        }
        places = {k: v for k, v in (service or {}).items() if k != "table"}
        fields = {key: entered[key] for key in Draft.model_fields if key in entered}
        fields["subjects"] = [
            *({"term": term} for term in entered["subjects"]),
            *entered["keywords"],
        ]
        for name, rows in self.rows.items():
            if rows.is_bound:
                fields[name] = rows.items()
        if entered["author"] and fields.get("creators"):
            fields["creators"] += creators_of(entered["author"])
        table = {"table": entered["table"]} if entered["table"] else {}
        try:
            return Draft(**fields, metadata=metadata, service=places | table)
        except ValidationError as error:
            for item in error.errors(include_url=False):
                name = str(item["loc"][0]) if item["loc"] else ""
                message = item["msg"].removeprefix("Value error, ")
                self.add_error(name if name in self.fields else None, message)
        return None

    @classmethod
    def of(cls, version: Version) -> DraftForm:
        """Returns the form that shows a version."""
        metadata = dict(version.metadata)
        header = dict(metadata.get("header") or {})
        shown = {key: header.pop(key, "") or "" for key in HEADER}
        shown.pop("author")
        for key in ("name", "description"):
            if header.get(key) in (version.title, version.description):
                header.pop(key)
        metadata.pop("ktype", None)
        metadata["header"] = header
        more = {key: value for key, value in metadata.items() if value not in (None, "", {}, [])}
        subjects = [Subject.model_validate(item) for item in version.subjects]
        listed = [item.term for item in subjects if item.scheme == UAT_NAME and item.term in UAT]
        lines = [
            " | ".join(filter(None, (item.term, item.scheme, item.uri)))
            if item.scheme
            else item.term
            for item in subjects
            if item.term not in listed
        ]
        names = ("title", "description", "ktype", "label", "simulated", "doi", "url", "changes")
        initial = {
            **{name: getattr(version, name) for name in (*names, "publisher", "issued")},
            **shown,
            "subjects": listed,
            "keywords": "\n".join(lines),
            "table": version.service.get("table", ""),
            "more": json.dumps(more, indent=1, ensure_ascii=False) if more else "",
        }
        rows = {
            "creators": [CreatorForm.shown(creator) for creator in version.people],
            "funding": [FundingForm.shown(grant) for grant in version.grants],
        }
        return cls(initial=initial, rows=rows)


class NewRecordForm(DraftForm):
    """A record and its first version."""

    identifier = forms.CharField(max_length=200, help_text="Permanent, for example evts26_01")
    kind = forms.ChoiceField(choices=Kind.choices, initial=Kind.RESOURCE)
    parent = forms.ChoiceField(required=False, label="Part of")
    field_order = ("identifier", "kind", "parent")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        groups = Record.objects.exclude(kind=Kind.RESOURCE).order_by("identifier")
        choices = [(r.identifier, f"{r.title} ({r.identifier})") for r in groups]
        parent = self.fields["parent"]
        assert isinstance(parent, forms.ChoiceField)  # noqa: S101 - declared above
        parent.choices = [("", "no collection or stream"), *choices]

    def record(self) -> NewRecord | None:
        """Returns the record, or None after adding errors to the fields that are wrong."""
        entered = self.cleaned_data
        try:
            return NewRecord(
                identifier=entered["identifier"],
                kind=entered["kind"],
                parent=entered["parent"] or None,
            )
        except ValidationError as error:
            for item in error.errors(include_url=False):
                self.add_error(str(item["loc"][0]), item["msg"])
        return None
