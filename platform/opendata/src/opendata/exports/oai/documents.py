"""Answers of OAI-PMH, as XML."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db.models import Min
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from lxml import etree
from lxml.builder import ElementMaker

from opendata.exports.addresses import permanent
from opendata.exports.datacite import datacite_xml
from opendata.exports.dublin_core import NAMESPACE as OAI_DC
from opendata.exports.dublin_core import dublin_core
from opendata.records.models import Version
from opendata.records.texts import cleaned

from .protocol import OaiError, arguments_of, resumed, resumption_token, stamp
from .repository import name_of, record_named, selected, stamped

_NAMESPACE = "http://www.openarchives.org/OAI/2.0/"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_E = ElementMaker(namespace=_NAMESPACE, nsmap={None: _NAMESPACE, "xsi": _XSI})
#: Schema, namespace and document of each format.
_FORMATS: dict[str, tuple[str, str, Callable[[Version], Any]]] = {
    "oai_dc": (f"{_NAMESPACE}oai_dc.xsd", OAI_DC, dublin_core),
    "oai_datacite": (
        "http://schema.datacite.org/meta/kernel-4/metadata.xsd",
        "http://datacite.org/schema/kernel-4",
        lambda version: etree.fromstring(datacite_xml(version)),
    ),
}
#: Records in one answer.
_PAGE = 100
#: The protocol requires an address; the domain (RFC 6761) says that this one reaches nobody.
_NOBODY = "no-contact-is-set@opendata.invalid"


@require_safe
def oai(request: HttpRequest) -> HttpResponse:
    """Answer one of the six verbs; the protocol wants errors with status 200, too."""
    asked = _E.request(permanent("oai"))
    try:
        verb, arguments = arguments_of(request.GET)
        for key, value in {"verb": verb, **arguments}.items():
            asked.set(key, cleaned(value))
        answer = VERBS[verb](verb, arguments)
    except OaiError as error:
        answer = _E.error(cleaned(str(error)), code=error.code)
    root = _E("OAI-PMH", _E.responseDate(stamp(datetime.now(UTC))), asked, answer)
    root.set(f"{{{_XSI}}}schemaLocation", f"{_NAMESPACE} {_NAMESPACE}OAI-PMH.xsd")
    content = etree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return HttpResponse(content, content_type="text/xml; charset=utf-8")


def _identify(verb: str, arguments: dict[str, str]) -> Any:
    # Of an empty portal nothing can be older than now.
    earliest = stamped().aggregate(first=Min("stamp"))["first"] or datetime.now(UTC)
    return _E.Identify(
        _E.repositoryName(cleaned(settings.CONFIGURATION.title)),
        _E.baseURL(permanent("oai")),
        _E.protocolVersion("2.0"),
        _E.adminEmail(settings.CONFIGURATION.contact or _NOBODY),
        _E.earliestDatestamp(stamp(earliest)),
        _E.deletedRecord("persistent"),
        _E.granularity("YYYY-MM-DDThh:mm:ssZ"),
    )


def _list_formats(verb: str, arguments: dict[str, str]) -> Any:
    if "identifier" in arguments:
        record_named(arguments["identifier"])
    return _E.ListMetadataFormats(
        *(
            _E.metadataFormat(
                _E.metadataPrefix(name), _E.schema(schema), _E.metadataNamespace(namespace)
            )
            for name, (schema, namespace, _) in _FORMATS.items()
        )
    )


def _list_sets(verb: str, arguments: dict[str, str]) -> Any:
    if "resumptionToken" in arguments:
        raise OaiError("badResumptionToken", "There is only one page of sets.")
    kinds = ("collection", "stream", "resource")
    return _E.ListSets(*(_E.set(_E.setSpec(kind), _E.setName(f"all {kind}s")) for kind in kinds))


def _get_record(verb: str, arguments: dict[str, str]) -> Any:
    prefix = _prefix_of(arguments)
    return _E.GetRecord(_record(record_named(arguments["identifier"]), prefix))


def _list(verb: str, arguments: dict[str, str]) -> Any:
    offset = 0
    if "resumptionToken" in arguments:
        arguments, offset = resumed(arguments["resumptionToken"])
    prefix = _prefix_of(arguments)
    records = selected(arguments)
    total = records.count()
    page = records.select_related("current__record__parent")[offset : offset + _PAGE]
    if not page:
        raise OaiError("noRecordsMatch", "No record matches.")
    element = _E(verb)
    for record in page:
        element.append(_header(record) if verb == "ListIdentifiers" else _record(record, prefix))
    after = offset + len(page)
    if after < total or offset:
        # The last page of several has an empty token.
        token = resumption_token(after, arguments) if after < total else ""
        element.append(_E.resumptionToken(token, completeListSize=str(total), cursor=str(offset)))
    return element


def _prefix_of(arguments: dict[str, str]) -> str:
    prefix = arguments["metadataPrefix"]
    if prefix not in _FORMATS:
        known = " and ".join(_FORMATS)
        raise OaiError("cannotDisseminateFormat", f"The formats are {known}.")
    return prefix


def _record(record: Any, prefix: str) -> Any:
    element = _E.record(_header(record))
    if record.current is not None and not record.withdrawn:
        *_, document = _FORMATS[prefix]
        element.append(_E.metadata(document(record.current)))
    return element


def _header(record: Any) -> Any:
    header = _E.header(
        _E.identifier(name_of(record)), _E.datestamp(stamp(record.stamp)), _E.setSpec(record.kind)
    )
    if record.withdrawn:
        header.set("status", "deleted")
    return header


VERBS: dict[str, Callable[[str, dict[str, str]], Any]] = {
    "Identify": _identify,
    "ListMetadataFormats": _list_formats,
    "ListSets": _list_sets,
    "GetRecord": _get_record,
    "ListIdentifiers": _list,
    "ListRecords": _list,
}
