"""OAI-PMH 2.0: harvesting by libraries, in Dublin Core and DataCite."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

from django.conf import settings
from django.db.models import Max, Min, Q, Value
from django.db.models.functions import Coalesce, Greatest
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from opendata.exports import citation
from opendata.exports.addresses import permanent
from opendata.exports.licences import licence
from opendata.exports.publication import issued, page, publisher, references
from opendata.records.models import Record, State, Version
from opendata.records.subjects import subjects_of
from opendata.records.texts import cleaned

_OAI = "http://www.openarchives.org/OAI/2.0/"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_DC = "http://purl.org/dc/elements/1.1/"
_OAI_DC = "http://www.openarchives.org/OAI/2.0/oai_dc/"
_FORMATS = {
    "oai_dc": (f"{_OAI}oai_dc.xsd", _OAI_DC),
    "oai_datacite": (
        "http://schema.datacite.org/meta/kernel-4/metadata.xsd",
        "http://datacite.org/schema/kernel-4",
    ),
}
_PAGE = 100
#: The protocol demands an address; this one says by its domain (RFC 6761) that it is none.
_NOBODY = "no-contact-is-set@opendata.invalid"
_ARGUMENTS = {
    "Identify": (set(), set()),
    "ListMetadataFormats": (set(), {"identifier"}),
    "ListSets": (set(), {"resumptionToken"}),
    "GetRecord": ({"identifier", "metadataPrefix"}, set()),
    "ListIdentifiers": ({"metadataPrefix"}, {"from", "until", "set"}),
    "ListRecords": ({"metadataPrefix"}, {"from", "until", "set"}),
}


class _OaiError(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


for _prefix, _uri in (("", _OAI), ("xsi", _XSI), ("dc", _DC), ("oai_dc", _OAI_DC)):
    ET.register_namespace(_prefix, _uri)


@require_safe
def oai(request: HttpRequest) -> HttpResponse:
    """Answer one of the six verbs; errors are answers too, as the protocol wants it."""
    root = ET.Element(f"{{{_OAI}}}OAI-PMH")
    root.set(f"{{{_XSI}}}schemaLocation", f"{_OAI} {_OAI}OAI-PMH.xsd")
    _add(root, "responseDate", _stamp(datetime.now(UTC)))
    asked = _add(root, "request", permanent("oai"))
    try:
        verb, arguments = _arguments(request)
        for key, value in {"verb": verb, **arguments}.items():
            asked.set(key, cleaned(value))
        for element in _VERBS[verb](verb, arguments):
            root.append(element)
    except _OaiError as error:
        _add(root, "error", str(error)).set("code", error.code)
    content = b'<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="utf-8")
    # The default namespace differs from part to part, which ElementTree cannot write.
    return HttpResponse(content, content_type="text/xml; charset=utf-8")


def _add(parent: ET.Element, tag: str, text: str = "") -> ET.Element:
    element = ET.SubElement(parent, f"{{{_OAI}}}{tag}")
    element.text = cleaned(text) or None
    return element


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _arguments(request: HttpRequest) -> tuple[str, dict[str, str]]:
    if any(len(request.GET.getlist(key)) > 1 for key in request.GET):
        raise _OaiError("badArgument", "An argument is there twice.")
    arguments = {key: str(value) for key, value in request.GET.items()}
    verb = arguments.pop("verb", "")
    if verb not in _ARGUMENTS:
        raise _OaiError("badVerb", f"The verb must be one of {', '.join(_ARGUMENTS)}.")
    token = arguments.get("resumptionToken")
    if token is not None and verb.startswith("List") and verb != "ListMetadataFormats":
        if len(arguments) > 1:
            raise _OaiError("badArgument", "resumptionToken must be the only argument.")
        return verb, arguments
    needed, possible = _ARGUMENTS[verb]
    missing = needed - set(arguments)
    foreign = set(arguments) - needed - possible
    if missing or foreign:
        names = ", ".join(sorted(missing or foreign))
        raise _OaiError("badArgument", f"{names}: {'missing' if missing else 'not known here'}.")
    return verb, arguments


def _identify(verb: str, arguments: dict[str, str]) -> Iterator[ET.Element]:
    element = ET.Element(f"{{{_OAI}}}Identify")
    # Of an empty portal nothing can be older than now.
    earliest = _stamped().aggregate(first=Min("stamp"))["first"] or datetime.now(UTC)
    for tag, text in (
        ("repositoryName", settings.CONFIGURATION.title),
        ("baseURL", permanent("oai")),
        ("protocolVersion", "2.0"),
        ("adminEmail", settings.CONFIGURATION.contact or _NOBODY),
        ("earliestDatestamp", _stamp(earliest)),
        ("deletedRecord", "persistent"),
        ("granularity", "YYYY-MM-DDThh:mm:ssZ"),
    ):
        _add(element, tag, text)
    yield element


def _formats(verb: str, arguments: dict[str, str]) -> Iterator[ET.Element]:
    if "identifier" in arguments:
        _record_of(arguments["identifier"])
    element = ET.Element(f"{{{_OAI}}}ListMetadataFormats")
    for name, (schema, namespace) in _FORMATS.items():
        form = _add(element, "metadataFormat")
        _add(form, "metadataPrefix", name)
        _add(form, "schema", schema)
        _add(form, "metadataNamespace", namespace)
    yield element


def _sets(verb: str, arguments: dict[str, str]) -> Iterator[ET.Element]:
    if "resumptionToken" in arguments:
        raise _OaiError("badResumptionToken", "There is only one page of sets.")
    element = ET.Element(f"{{{_OAI}}}ListSets")
    for kind in ("collection", "stream", "resource"):
        item = _add(element, "set")
        _add(item, "setSpec", kind)
        _add(item, "setName", f"all {kind}s")
    yield element


def _prefix_of(arguments: dict[str, str]) -> str:
    prefix = arguments["metadataPrefix"]
    if prefix not in _FORMATS:
        raise _OaiError("cannotDisseminateFormat", f"There are {', '.join(_FORMATS)}.")
    return prefix


def _name(record: Record) -> str:
    return f"oai:opendata.km3net:{record.identifier}"


def _record_of(name: str) -> Record:
    identifier = name.removeprefix("oai:opendata.km3net:").replace("\0", "")
    record: Record | None = _stamped().filter(identifier=identifier).first()
    if record is None:
        raise _OaiError("idDoesNotExist", f"There is no {name}.")
    return record


def _get(verb: str, arguments: dict[str, str]) -> Iterator[ET.Element]:
    prefix = _prefix_of(arguments)
    element = ET.Element(f"{{{_OAI}}}GetRecord")
    element.append(_full(_record_of(arguments["identifier"]), prefix))
    yield element


def _stamped() -> Any:
    """Return what is or was public with the time of its last change, a withdrawal included."""
    public = {"versions__state__in": [State.PUBLISHED, State.WITHDRAWN]}
    first = datetime(1, 1, 2, tzinfo=UTC)
    return (
        Record.objects.filter(current__isnull=False)
        .annotate(
            at=Max("versions__published_at", filter=Q(**public)),
            gone=Max("versions__withdrawn_at", filter=Q(**public)),
        )
        .annotate(stamp=Greatest("at", Coalesce("gone", Value(first))))
    )


def _header(record: Any) -> ET.Element:
    assert record.current is not None  # noqa: S101 - only published records come here
    element = ET.Element(f"{{{_OAI}}}header")
    if record.withdrawn:
        element.set("status", "deleted")
    _add(element, "identifier", _name(record))
    _add(element, "datestamp", _stamp(record.stamp))
    _add(element, "setSpec", record.kind)
    return element


def _full(record: Record, prefix: str) -> ET.Element:
    element = ET.Element(f"{{{_OAI}}}record")
    element.append(_header(record))
    version = record.current
    if version is not None and not record.withdrawn:
        metadata = _add(element, "metadata")
        if prefix == "oai_dc":
            metadata.append(_dublin_core(version))
        else:
            metadata.append(ET.fromstring(citation.datacite_xml(version)))  # noqa: S314 - our own
    return element


def _dublin_core(version: Version) -> ET.Element:
    root = ET.Element(f"{{{_OAI_DC}}}dc")
    root.set(f"{{{_XSI}}}schemaLocation", f"{_OAI_DC} {_OAI}oai_dc.xsd")
    rights = licence(version.annotation.header.license)
    funders = [f"{grant.funder} {grant.award_number or ''}".strip() for grant in version.grants]
    rows = [
        ("title", version.title),
        *(("creator", creator.name) for creator in version.people),
        *(("subject", subject.term) for subject in subjects_of(version)),
        ("description", version.description),
        ("publisher", publisher(version)),
        *(("contributor", funder) for funder in funders),
        ("date", issued(version)),
        ("type", citation.resource_type(version)),
        ("identifier", page(version)),
        ("identifier", f"doi:{version.doi}" if version.doi else ""),
        *(("relation", reference.address or reference.name) for reference in references(version)),
        ("rights", rights.text if rights else ""),
        ("rights", rights.url if rights and rights.url != rights.text else ""),
    ]
    for tag, text in rows:
        if text:
            ET.SubElement(root, f"{{{_DC}}}{tag}").text = cleaned(text)
    return root


def _list(verb: str, arguments: dict[str, str]) -> Iterator[ET.Element]:
    offset = 0
    if "resumptionToken" in arguments:
        arguments, offset = _resumed(arguments["resumptionToken"])
    prefix = _prefix_of(arguments)
    records = _stamped().order_by("pk")
    if "set" in arguments:
        records = records.filter(kind=arguments["set"])
    records = _between(records, arguments)
    total = records.count()
    page = records.select_related("current__record__parent")[offset : offset + _PAGE]
    if not page:
        raise _OaiError("noRecordsMatch", "Nothing fits.")
    element = ET.Element(f"{{{_OAI}}}{verb}")
    for record in page:
        element.append(_header(record) if verb == "ListIdentifiers" else _full(record, prefix))
    after = offset + len(page)
    if after < total or offset:
        parts = [str(after), prefix, *(arguments.get(key, "") for key in ("from", "until", "set"))]
        token = _add(element, "resumptionToken", "|".join(parts) if after < total else "")
        token.set("completeListSize", str(total))
        token.set("cursor", str(offset))
    yield element


def _resumed(token: str) -> tuple[dict[str, str], int]:
    parts = token.split("|")
    if len(parts) != 5 or not parts[0].isdecimal() or len(parts[0]) > 9:
        raise _OaiError("badResumptionToken", "The token is not one of ours.")
    names = ("metadataPrefix", "from", "until", "set")
    found = {name: part for name, part in zip(names, parts[1:], strict=True) if part}
    if "metadataPrefix" not in found:
        raise _OaiError("badResumptionToken", "The token is not one of ours.")
    return found, int(parts[0])


def _between(records: Any, arguments: dict[str, str]) -> Any:
    lengths = {len(arguments[key]) for key in ("from", "until") if key in arguments}
    if len(lengths) > 1:
        raise _OaiError("badArgument", "from and until must be written alike.")
    for key, lookup in (("from", "stamp__gte"), ("until", "stamp__lte")):
        if key not in arguments:
            continue
        text = arguments[key]
        try:
            if len(text) == 10:
                end = "T23:59:59.999999" if key == "until" else "T00:00:00"
                moment = datetime.fromisoformat(text + end).replace(tzinfo=UTC)
            else:
                moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
                moment = moment.replace(microsecond=999_999) if key == "until" else moment
        except ValueError:
            raise _OaiError("badArgument", f"{key} is no date such as 2024-01-31.") from None
        records = records.filter(**{lookup: moment})
    return records


_VERBS = {
    "Identify": _identify,
    "ListMetadataFormats": _formats,
    "ListSets": _sets,
    "GetRecord": _get,
    "ListIdentifiers": _list,
    "ListRecords": _list,
}
