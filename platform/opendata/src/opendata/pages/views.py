"""The pages: search, record, exports, about."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from opendata.api.reading import find
from opendata.exports import citation, signposting
from opendata.exports.addresses import absolute
from opendata.exports.catalogue import storage_path
from opendata.exports.licences import licence_url
from opendata.pages.drawings import drawn
from opendata.pages.snippets import snippets
from opendata.records.models import DataFile, Record, State, Version
from opendata.records.search import RecordFilter, facets, published
from openkm3.metadata import KTYPES

Json = dict[str, Any]


def _text(value: str, kind: str) -> HttpResponse:
    return HttpResponse(value, content_type=f"{kind}; charset=utf-8")


def _json(value: Json, kind: str) -> HttpResponse:
    return HttpResponse(json.dumps(value, indent=1, ensure_ascii=False), content_type=kind)


EXPORTS: dict[str, Callable[[Version], HttpResponse]] = {
    "datacite.json": lambda v: _json(
        citation.datacite(v), "application/vnd.datacite.datacite+json"
    ),
    "datacite.xml": lambda v: HttpResponse(
        citation.datacite_xml(v), content_type="application/vnd.datacite.datacite+xml"
    ),
    "jsonld": lambda v: _json(citation.jsonld(v), "application/ld+json"),
    "bib": lambda v: _text(citation.bibtex(v), "application/x-bibtex"),
    "ris": lambda v: _text(citation.ris(v), "application/x-research-info-systems"),
    "ro-crate": lambda v: _json(citation.ro_crate(v), "application/ld+json"),
    "linkset.json": lambda v: _json(signposting.linkset(v.record), "application/linkset+json"),
}
#: What `Accept` may ask of a record's address instead of the page.
_NEGOTIATED = {
    "application/vnd.datacite.datacite+json": "datacite.json",
    "application/vnd.datacite.datacite+xml": "datacite.xml",
    "application/ld+json": "jsonld",
    "application/x-bibtex": "bib",
    "application/x-research-info-systems": "ris",
    "application/linkset+json": "linkset.json",
}


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What there is: collections first."""
    records = published().select_related("current")
    return render(
        request,
        "home.html",
        {
            "collections": records.filter(kind="collection", parent__isnull=True),
            "singles": records.filter(kind="resource", parent__isnull=True)[:12],
            "count": records.count(),
        },
    )


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Search with facets."""
    query = RecordFilter(request.GET, published().select_related("current"))
    found = query.qs
    narrowed = facets(found)
    pages = Paginator(found, 20)
    pages.count = narrowed.count  # else it is counted again
    page = pages.get_page(request.GET.get("page"))
    chosen = {key: request.GET.getlist(key) for key in request.GET if key != "page"}
    groups = []
    for facet in narrowed.facets:
        values = []
        for value, label, count in facet.values[:12]:
            on = value in chosen.get(facet.name, [])
            others = {key: item for key, item in chosen.items() if key != facet.name}
            target = others if on else others | {facet.name: [value]}
            values.append(
                {
                    "label": label,
                    "count": count,
                    "on": on,
                    "url": "?" + urlencode(target, doseq=True),
                }
            )
        groups.append({"title": facet.title, "values": values})
    return render(
        request,
        "search.html",
        {
            "page": page,
            "groups": groups,
            "q": request.GET.get("q", ""),
            "kept": [(key, item) for key, items in chosen.items() for item in items if key != "q"],
            "query": urlencode(chosen, doseq=True),
            "errors": [text for texts in query.errors.values() for text in texts],
            "ktypes": KTYPES,
        },
    )


@require_safe
def record(request: HttpRequest, identifier: str) -> HttpResponseBase:
    """A record's page, or its metadata in the format that `Accept` names."""
    entry = find(identifier, with_files=False)
    if entry.identifier != identifier:
        return redirect("record", entry.identifier, permanent=False)
    version = entry.current
    if version is None:
        raise Http404
    return _record(request, entry, version)


@require_safe
def version(request: HttpRequest, identifier: str, label: str) -> HttpResponseBase:
    """The page of one version."""
    entry = find(identifier, with_files=False)
    shown = entry.versions.filter(label=label, state__in=[State.PUBLISHED, State.WITHDRAWN]).first()
    if shown is None:
        raise Http404(f"There is no version {label} of {identifier}.")
    return _record(request, entry, shown)


@require_safe
def sky_points(request: HttpRequest, identifier: str, label: str) -> HttpResponse:
    """The positions of a version's sky map with what is known of each, for reading values off."""
    files = DataFile.objects.filter(
        version__record__identifier=identifier,
        version__label=label,
        version__state=State.PUBLISHED,
        description__content__has_key="sky",
    )
    file = files.select_related("description").first()
    if file is None:
        raise Http404(f"There is no sky map of {identifier} {label}.")
    response = _json(file.description.content["sky"], "application/json")
    # A version never changes, but a later portal may describe it better.
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response


def _record(request: HttpRequest, entry: Record, version: Version) -> HttpResponse:
    accept = request.headers.get("Accept", "").split(",")[0].split(";")[0].strip()
    links = signposting.header(signposting.links(entry))
    if accept in _NEGOTIATED:
        response = EXPORTS[_NEGOTIATED[accept]](version)
    else:
        gone = version.state == State.WITHDRAWN
        response = render(
            request, "record.html", context_of(entry, version), status=410 if gone else 200
        )
    response.headers["Link"] = links
    response.headers["Vary"] = "Accept"
    return response


def context_of(entry: Record, version: Version) -> Json:
    """Return what a record's page shows."""
    annotation = version.annotation
    files, drawings, trees = [], [], []
    sky, points, without = None, "", 0
    for file in version.files.select_related("version__record"):
        shown = drawn(file.pk, file.sha256, version.simulated)
        files.append({"file": file, "url": storage_path(file), "tables": shown.tables})
        drawings += shown.drawings
        if shown.sky and sky is None:
            sky, without = shown.sky, shown.without_position
            points = f"/records/{entry.identifier}/versions/{version.label}/sky.json"
        if shown.tree:
            trees.append({"name": file.name, "nodes": shown.tree})
    ranges = [
        (key, {name: value for name, value in span.plain().items() if name != "ktype"})
        for key, span in annotation.origin.range.items()
    ]
    # "<" cannot end the script element that holds it.
    linked = json.dumps(citation.jsonld(version), ensure_ascii=False).replace("<", "\\u003c")
    return {
        "record": entry,
        "version": version,
        "newest": entry.current_id == version.pk,
        "header": annotation.header,
        "extra": [
            (key, value)
            for key, value in (annotation.header.model_extra or {}).items()
            if isinstance(value, (str, int, float))
        ],
        "ranges": ranges,
        "parameters": [
            {"key": key, "p": parameter} for key, parameter in annotation.paraminfo.items()
        ],
        "ktype": KTYPES.get(version.ktype),
        "licence_url": licence_url(annotation.header.license),
        "files": files,
        "drawings": drawings,
        "drawing_data": [item["data"] for item in drawings],
        "sky": sky,
        "without": without,
        "measured": version.measured(),
        "points": points if version.state == State.PUBLISHED else "",
        "trees": trees,
        "children": entry.children.filter(current__isnull=False).select_related("current"),
        "versions": entry.versions.filter(state__in=[State.PUBLISHED, State.WITHDRAWN]),
        "snippets": snippets(version),
        "citation": citation.text(version),
        "jsonld": linked,
        "exports": [name for name in EXPORTS if name != "linkset.json"],
        "address": absolute(f"records/{entry.identifier}/"),
    }


@require_safe
def export(request: HttpRequest, identifier: str, name: str) -> HttpResponse:
    """A record in another format."""
    version = find(identifier).current
    if version is None or name not in EXPORTS:
        raise Http404(f"There is no export {name}; there are {', '.join(EXPORTS)}.")
    response = EXPORTS[name](version)
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


@require_safe
def identifier(request: HttpRequest, kid: str) -> HttpResponseRedirect:
    """From the `kid` of metadata to the record's page."""
    entry = published().filter(current__metadata__kid=kid).first()
    if entry is None:
        raise Http404(f"There is no record with the identifier {kid}.")
    return redirect("record", entry.identifier)


@require_safe
def ktypes(request: HttpRequest) -> HttpResponse:
    """The vocabulary of contents."""
    counts: dict[str, int] = {}
    for name in published().values_list("ktype", flat=True):
        counts[name] = counts.get(name, 0) + 1
    words = [
        {"word": word, "depth": word.name.count(".") - 1, "count": counts.get(word.name, 0)}
        for word in sorted(KTYPES.values(), key=lambda word: word.name)
    ]
    return render(request, "ktypes.html", {"words": words})


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """What search engines may read: pages, not queries."""
    return _text(
        "User-agent: *\nDisallow: /vo/\nDisallow: /curate/\nDisallow: /search\n\n"
        f"Sitemap: {absolute('sitemap.xml')}\n",
        "text/plain",
    )


@require_safe
def sitemap(request: HttpRequest) -> HttpResponse:
    """All record pages, for search engines."""
    rows = "".join(
        f"<url><loc>{absolute(f'records/{name}/')}</loc></url>"
        for name in published().values_list("identifier", flat=True)
    )
    return HttpResponse(
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{rows}</urlset>',
        content_type="application/xml",
    )
