"""Rows of the curation form: who made a record, and who paid for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

from django import forms
from pydantic import BaseModel, ValidationError

from opendata.records.credit import ROLES, Creator, Funding

#: Number of empty rows below those that are filled in.
BLANK = 2
_MOST = 1000


class _Row(forms.Form):
    """One row; its errors are shown at the field."""

    model: ClassVar[type[BaseModel]]
    #: Fields of the model that have another name in the form.
    places: ClassVar[dict[str, str]] = {}
    ORDER: forms.IntegerField
    use_required_attribute = False

    def fields_of_model(self) -> dict[str, Any]:
        """Returns the row's fields as the model names them."""
        return {name: self.cleaned_data.get(name, "") for name in self.model.model_fields}

    def has_changed(self) -> bool:
        """Returns whether something was typed; empty rows have a kind and a position, too."""
        return bool(set(self.changed_data) - {"kind", "ORDER"})

    def clean(self) -> dict[str, Any]:
        """Checks the row as the REST interface does; the result is ``cleaned_data["item"]``."""
        if self.errors or not self.has_changed() or self.cleaned_data.get("DELETE"):
            return self.cleaned_data
        try:
            self.cleaned_data["item"] = self.model.model_validate(self.fields_of_model())
        except ValidationError as error:
            for item in error.errors(include_url=False):
                name = str(item["loc"][0]) if item["loc"] else ""
                place = self.places.get(name, name)
                message = item["msg"].removeprefix("Value error, ")
                self.add_error(place if place in self.fields else None, message)
        return self.cleaned_data


class CreatorForm(_Row):
    """A person or an organisation."""

    model = Creator
    places: ClassVar = {"family": "name", "orcid": "register", "ror": "register"}

    kind = forms.ChoiceField(
        label="Type",
        required=False,
        initial="person",
        choices=[("person", "person"), ("organisation", "organisation"), ("", "unspecified")],
    )
    name = forms.CharField(label="Family name or organisation", required=False, max_length=2000)
    given = forms.CharField(label="Given name", required=False, max_length=200)
    register = forms.CharField(label="ORCID iD or ROR", required=False, max_length=100)
    affiliations = forms.CharField(
        required=False,
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="One per line, with its ROR: CNRS | https://ror.org/02feahw73",
    )
    roles = forms.MultipleChoiceField(
        label="Roles (CRediT)",
        required=False,
        choices=[(role, role) for role in ROLES],
        widget=forms.CheckboxSelectMultiple,
    )

    def fields_of_model(self) -> dict[str, Any]:
        """Returns the row as a creator; its name is a family name or an organisation."""
        row = self.cleaned_data
        person = row["kind"] == "person" or (row["kind"] == "" and row["given"])
        lines = [line.partition("|") for line in row["affiliations"].splitlines() if line.strip()]
        return {
            "kind": "person" if person else row["kind"],
            "family" if person else "name": row["name"],
            "given": row["given"],
            "orcid" if person else "ror": row["register"],
            "affiliations": [{"name": name, "ror": ror} for name, _, ror in lines],
            "roles": row["roles"],
        }

    @staticmethod
    def shown(creator: Creator) -> dict[str, Any]:
        """Returns what the row shows of a creator."""
        return {
            "kind": creator.kind or "",
            "name": creator.family or creator.name,
            "given": creator.given or "",
            "register": creator.orcid or creator.ror or "",
            "affiliations": "\n".join(
                f"{item.name} | {item.ror}" if item.ror else item.name
                for item in creator.affiliations
            ),
            "roles": creator.roles,
        }


class FundingForm(_Row):
    """A funder and its award."""

    model = Funding

    funder = forms.CharField(required=False, max_length=300)
    funder_identifier = forms.CharField(
        label="Funder's ROR or Crossref Funder ID", required=False, max_length=100
    )
    award_number = forms.CharField(label="Award number", required=False, max_length=100)
    award_title = forms.CharField(label="Award name", required=False, max_length=500)
    award_uri = forms.CharField(label="Web address of the award", required=False, max_length=500)

    @staticmethod
    def shown(grant: Funding) -> dict[str, Any]:
        """Returns what the row shows of a grant."""
        return {key: value or "" for key, value in grant.model_dump().items()}


if TYPE_CHECKING:
    _FormSet = forms.BaseFormSet[_Row]
else:
    _FormSet = forms.BaseFormSet


class _Rows(_FormSet):
    """Rows that can be added, removed and ordered, with and without JavaScript."""

    def items(self) -> list[Any]:
        """Returns the items of the rows, in the order of their positions."""
        return [form.cleaned_data["item"] for form in self.ordered_forms if self._counts(form)]

    @staticmethod
    def _counts(form: _Row) -> bool:
        return "item" in form.cleaned_data

    def typed(self) -> list[dict[str, Any]]:
        """Returns the rows as they were typed, except removed and empty ones."""
        rows = []
        for form in self.forms:
            row = {name: form[name].value() for name in form.fields if name != "ORDER"}
            if not row.pop("DELETE", None) and form.has_changed():
                rows.append(row)
        return rows


def _rows(form: type[_Row]) -> type[_Rows]:
    made = forms.formset_factory(
        form,
        formset=_Rows,
        extra=BLANK,
        can_order=True,
        can_delete=True,
        max_num=_MOST,
        absolute_max=_MOST,
        validate_max=True,
    )
    return cast("type[_Rows]", made)


#: Rows by their names in the form and in :class:`opendata.records.publishing.Draft`.
ROWS: dict[str, type[_Rows]] = {
    "creators": _rows(CreatorForm),
    "funding": _rows(FundingForm),
}


def posted(data: Mapping[str, Any], name: str) -> bool:
    """Returns whether a posted form has rows of a name."""
    return f"{name}-TOTAL_FORMS" in data
