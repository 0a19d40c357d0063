"""Pages: home, search, records and their exports, vocabulary."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from opendata.api.negotiation import negotiate, not_acceptable
from opendata.api.reading import Search, find
from opendata.exports import citation, signposting
from opendata.exports.addresses import absolute
from opendata.exports.catalogue import storage_path
from opendata.exports.licences import licence_url
from opendata.portal import representations
from opendata.portal.credit import credited
from opendata.portal.plots.drawings import drawn
from opendata.portal.representations import EXPORTS
from opendata.portal.snippets import snippets
from opendata.records.models import DataFile, Record, State, Version
from opendata.records.search import RecordFilter, facets, published
from opendata.searching.spelling import hint
from openkm3.metadata import KTYPES

Json = dict[str, Any]


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The home page: collections first."""
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
def search(request: HttpRequest) -> HttpResponseBase:
    """Search with facets, as a page or, if `Accept` prefers JSON, as the API answers."""
    offers = ["text/html", "application/json"]
    wanted = negotiate(request, offers)
    if wanted is None:
        return not_acceptable(offers)
    return _found(request) if wanted == "text/html" else Search.as_view()(request)


def _found(request: HttpRequest) -> HttpResponse:
    query = RecordFilter(request.GET, published().select_related("current"))
    found = query.qs
    narrowed = facets(found)
    pages = Paginator(found, 20)
    pages.count = narrowed.count  # avoids a second query
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
    text = request.GET.get("q", "").strip()
    return render(
        request,
        "search.html",
        {
            "help": hint(text) if text and not narrowed.count else None,
            "narrowed": [key for key in chosen if key != "q" and any(chosen[key])],
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
    """Positions of a version's sky map, with some columns of each for reading values off."""
    files = DataFile.objects.filter(
        version__record__identifier=identifier,
        version__label=label,
        version__state=State.PUBLISHED,
        description__content__has_key="sky",
    )
    file = files.select_related("description").first()
    if file is None:
        raise Http404(f"There is no sky map of {identifier} {label}.")
    response = JsonResponse(file.description.content["sky"])
    # A version never changes, but a later release of the portal may describe it better.
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response


def _record(request: HttpRequest, entry: Record, version: Version) -> HttpResponse:
    version.record = entry  # with its prefetched relations
    offers = ["text/html", *representations.OFFERS]
    wanted = negotiate(request, offers)
    if wanted is None:
        response: HttpResponse = not_acceptable(offers)
    elif wanted == "text/html":
        response = render(request, "record.html", context_of(entry, version))
    else:
        response = representations.of(version, wanted)
    if wanted is not None and version.state == State.WITHDRAWN:
        response.status_code = 410
    response.headers["Link"] = signposting.header(signposting.links(version))
    return response


def context_of(entry: Record, version: Version) -> Json:
    """Returns the template variables of a record's page."""
    annotation = version.annotation
    files, drawings, trees = [], [], []
    sky, points, without = None, "", 0
    described = version.files.annotate(scheme=F("description__content__scheme"))
    for file in described.select_related("version__record"):
        shown = drawn(file.pk, file.sha256, version.simulated, file.scheme)
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
    # Escaped so that no text can end the script element.
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
        "exports": [name for name in EXPORTS if name not in ("linkset.json", "ro-crate")],
        "address": absolute(signposting.page_of(version)),
        "page": f"/{signposting.page_of(version)}",
        **credited(version),
    }


@require_safe
def export(
    request: HttpRequest, identifier: str, name: str, label: str | None = None
) -> HttpResponse:
    """A record or one of its versions in another format."""
    entry = find(identifier)
    version = entry.current
    if label is not None:
        public = entry.versions.filter(state__in=[State.PUBLISHED, State.WITHDRAWN])
        version = public.filter(label=label).first()
    if version is None or name not in EXPORTS:
        raise Http404(f"There is no export named {name}. Exports: {', '.join(EXPORTS)}.")
    return EXPORTS[name](version)


@require_safe
def identifier(request: HttpRequest, kid: str) -> HttpResponseRedirect:
    """Redirect from the `kid` in a record's metadata to its page."""
    entry = published().filter(current__metadata__kid=kid).first()
    if entry is None:
        raise Http404(f"There is no record with the identifier {kid}.")
    return redirect("record", entry.identifier)


@require_safe
def ktypes(request: HttpRequest) -> HttpResponse:
    """Types of content."""
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
    """Let search engines read records, but not run queries."""
    return HttpResponse(
        "User-agent: *\nDisallow: /vo/\nDisallow: /curate/\nDisallow: /search\n\n"
        f"Sitemap: {absolute('sitemap.xml')}\n",
        content_type="text/plain; charset=utf-8",
    )


@require_safe
def sitemap(request: HttpRequest) -> HttpResponse:
    """List the pages of all records for search engines."""
    names = published().values_list("identifier", flat=True)
    addresses = [absolute(f"records/{name}/") for name in names]
    context = {"addresses": addresses}
    return render(request, "sitemap.xml", context, content_type="application/xml")
