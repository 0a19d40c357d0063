"""The forms of curators: from what is typed to what :mod:`opendata.records.publishing` takes."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from pydantic import ValidationError

from opendata.records.models import Kind, Record, Version
from opendata.records.publishing import Draft, NewRecord
from openkm3.metadata import KTYPES

#: Fields of the metadata's header that have a field of their own in the form.
HEADER = ("author", "contact", "instrument", "license", "reference")


def _ktypes() -> list[tuple[str, str]]:
    words = sorted(KTYPES.values(), key=lambda word: word.name)
    return [(word.name, f"{word.label} ({word.name})") for word in words]


class LoginForm(forms.Form):
    """Name and password."""

    name = forms.CharField(
        max_length=100, widget=forms.TextInput(attrs={"autocomplete": "username"})
    )
    password = forms.CharField(
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class DraftForm(forms.Form):
    """What a version says."""

    title = forms.CharField(min_length=3, max_length=300)
    description = forms.CharField(
        required=False, max_length=20_000, widget=forms.Textarea(attrs={"rows": 4})
    )
    ktype = forms.ChoiceField(label="Content", choices=_ktypes)
    label = forms.CharField(label="Version", initial="1.0", max_length=30)
    simulated = forms.BooleanField(
        required=False, help_text="What is simulated also says SIMULATED in its title."
    )
    author = forms.CharField(required=False, max_length=300)
    contact = forms.CharField(required=False, max_length=300)
    instrument = forms.CharField(required=False, max_length=100, help_text="ORCA, ARCA, ANTARES …")
    license = forms.CharField(
        label="Licence", required=False, max_length=100, help_text="SPDX name, as in CC-BY-4.0"
    )
    reference = forms.CharField(required=False, max_length=500, help_text="Address or citation")
    doi = forms.CharField(label="DOI", required=False, max_length=200)
    url = forms.CharField(
        label="Address", required=False, max_length=500, help_text="If the data are elsewhere"
    )
    table = forms.CharField(
        label="Table in the VO",
        required=False,
        max_length=130,
        help_text="SCHEMA.TABLE under which TAP and cone search serve the table of the file",
    )
    changes = forms.CharField(
        label="What is new", required=False, max_length=5000, help_text="Since the last version"
    )
    more = forms.CharField(
        label="More metadata (JSON)",
        required=False,
        max_length=500_000,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "class": "mono"}),
        help_text="origin, paraminfo and what else describes the data; an uploaded file may "
        "bring them",
    )

    def clean_more(self) -> dict[str, Any]:
        """Read the JSON."""
        text = self.cleaned_data["more"].strip() or "{}"
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(f"This is no JSON: {error}") from None
        if not isinstance(value, dict):
            raise forms.ValidationError('This is no JSON object: write {"origin": ...}.')
        return value

    def draft(self, service: dict[str, str] | None = None) -> Draft | None:
        """Return the draft, None after noting what is wrong with its fields.

        Parameters
        ----------
        service : dict, optional
            What the version says so far of its service; addresses in it are kept.
        """
        said = self.cleaned_data
        metadata = dict(said["more"])
        header = metadata.get("header") if isinstance(metadata.get("header"), dict) else {}
        known = {key: said[key] for key in HEADER if said[key]}
        others = {key: value for key, value in (header or {}).items() if key not in HEADER}
        named = {"name": said["title"], "description": said["description"]} | others
        metadata |= {
            "ktype": said["ktype"],
            "header": {k: v for k, v in named.items() if v} | known,
        }
        places = {k: v for k, v in (service or {}).items() if k != "table"}
        fields = {key: said[key] for key in Draft.model_fields if key in said}
        table = {"table": said["table"]} if said["table"] else {}
        try:
            return Draft(**fields, metadata=metadata, service=places | table)
        except ValidationError as error:
            for item in error.errors(include_url=False):
                name = str(item["loc"][0])
                self.add_error(name if name in self.fields else None, item["msg"])
        return None

    @staticmethod
    def said(version: Version) -> dict[str, Any]:
        """Return what the fields show of a version."""
        metadata = dict(version.metadata)
        header = dict(metadata.get("header") or {})
        shown = {key: header.pop(key, "") or "" for key in HEADER}
        for key in ("name", "description"):
            if header.get(key) in (version.title, version.description):
                header.pop(key)
        metadata.pop("ktype", None)
        metadata["header"] = header
        more = {key: value for key, value in metadata.items() if value}
        names = ("title", "description", "ktype", "label", "simulated", "doi", "url", "changes")
        return {
            **{name: getattr(version, name) for name in names},
            **shown,
            "table": version.service.get("table", ""),
            "more": json.dumps(more, indent=1, ensure_ascii=False) if more else "",
        }


class NewRecordForm(DraftForm):
    """A record and its first version."""

    identifier = forms.CharField(max_length=200, help_text="For good, as in evts26_01")
    kind = forms.ChoiceField(choices=Kind.choices, initial=Kind.RESOURCE)
    parent = forms.ChoiceField(required=False, label="Part of")
    field_order = ("identifier", "kind", "parent")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        groups = Record.objects.exclude(kind=Kind.RESOURCE).order_by("identifier")
        choices = [(r.identifier, f"{r.title} ({r.identifier})") for r in groups]
        parent = self.fields["parent"]
        assert isinstance(parent, forms.ChoiceField)  # noqa: S101 - declared above
        parent.choices = [("", "nothing"), *choices]

    def record(self) -> NewRecord | None:
        """Return the record, None after noting what is wrong with its fields."""
        said = self.cleaned_data
        try:
            return NewRecord(
                identifier=said["identifier"], kind=said["kind"], parent=said["parent"] or None
            )
        except ValidationError as error:
            for item in error.errors(include_url=False):
                self.add_error(str(item["loc"][0]), item["msg"])
        return None
