"""The feed and single alerts (page, JSON, XML), submission and approval."""

from __future__ import annotations

import hashlib
import json
from typing import Any, ClassVar

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from opendata.accounts.roles import Role
from opendata.alerts import ingestion
from opendata.alerts.atom import atom
from opendata.alerts.models import Notice
from opendata.api.authentication import HasRole, account_of
from opendata.api.negotiation import negotiate, not_acceptable
from opendata.api.writing import RawParser
from opendata.portal.plots import SMALLEST_RING, sky

_PAGE = 50


def _public() -> Any:
    return Notice.objects.filter(issued__isnull=False).order_by("-issued", "-id")


def _get(number: int) -> Notice:
    notice: Notice | None = _public().filter(pk=min(number, 2**62)).first()
    if notice is None:
        raise Http404(f"There is no alert {number}.")
    return notice


def _answer(request: HttpRequest, content: bytes, media_type: str) -> HttpResponse:
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "no-cache", "Access-Control-Allow-Origin": "*"}
    if etag in request.headers.get("If-None-Match", ""):
        return HttpResponseNotModified(headers=headers)
    return HttpResponse(content, content_type=media_type, headers=headers)


def _row(notice: Notice) -> dict[str, str]:
    assert notice.issued is not None  # noqa: S101 - only public ones are listed
    return {
        "id": notice.ivorn,
        "issued": notice.issued.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "role": notice.role,
        "json": f"/alerts/{notice.pk}.json",
        "voevent": f"/alerts/{notice.pk}.xml",
    }


def _page_number(request: HttpRequest) -> int:
    text = request.GET.get("page", "1")
    return int(text) if text.isdecimal() and 0 < len(text) < 7 else 1


@require_safe
def feed_json(request: HttpRequest) -> HttpResponse:
    """The feed for openkm3's receiver, newest first."""
    number = _page_number(request)
    page = Paginator(_public(), _PAGE).get_page(number)
    rows = [_row(notice) for notice in page] if page.number == number else []
    more = f"/alerts/feed.json?page={number + 1}" if rows and page.has_next() else None
    content = json.dumps({"alerts": rows, "next": more}, indent=1).encode()
    return _answer(request, content, "application/json")


@require_safe
def feed_xml(request: HttpRequest) -> HttpResponse:
    """The feed as Atom, for news readers."""
    content = atom(list(_public()[:_PAGE])).encode()
    return _answer(request, content, "application/atom+xml; charset=utf-8")


@require_safe
def notice_json(request: HttpRequest, number: int) -> HttpResponse:
    """The alert as a GCN notice."""
    content = json.dumps(_get(number).document, indent=1, ensure_ascii=False).encode()
    return _answer(request, content, "application/json")


@require_safe
def notice_xml(request: HttpRequest, number: int) -> HttpResponse:
    """The alert as a VOEvent."""
    return _answer(request, bytes(_get(number).voevent), "application/xml")


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The feed as a page, or in the format that `Accept` prefers."""
    offers = {"application/json": feed_json, "application/atom+xml": feed_xml}
    wanted = negotiate(request, ["text/html", *offers])
    if wanted is None:
        return not_acceptable(["text/html", *offers])
    if wanted in offers:
        return offers[wanted](request)
    shown = Paginator(_public(), 25).get_page(_page_number(request))
    return render(request, "alerts.html", {"page": shown})


@require_safe
def notice_page(request: HttpRequest, number: int) -> HttpResponse:
    """One alert as a page, or in the format that `Accept` prefers."""
    offers = {"application/json": notice_json, "application/xml": notice_xml}
    wanted = negotiate(request, ["text/html", *offers])
    if wanted is None:
        return not_acceptable(["text/html", *offers])
    if wanted in offers:
        return offers[wanted](request, number)
    notice = _get(number)
    others = _public().filter(event_name=notice.event_name).exclude(pk=notice.pk)
    document = json.dumps(notice.document, indent=2, ensure_ascii=False)
    drawing = None
    if notice.ra is not None and notice.dec is not None:
        drawing = sky({"ra": [notice.ra % 360], "dec": [notice.dec]}, radius=notice.radius)
    context = {"notice": notice, "others": others, "document": document, "map": drawing}
    return render(request, "alert.html", context | {"smallest_ring": SMALLEST_RING})


class HandIn(APIView):
    """Submission of alerts."""

    permission_classes = (HasRole,)
    roles: ClassVar = {
        "GET": (Role.ALERT_SENDER, Role.ALERT_SIGNER),
        "POST": (Role.ALERT_SENDER,),
    }
    parser_classes = (RawParser,)

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        """List alerts that wait for approval; without the role alert-signer, the account's own."""
        waiting = Notice.objects.filter(issued__isnull=True, refused=False)
        user = account_of(request)
        if not user.has_perm(Role.ALERT_SIGNER.permission):
            waiting = waiting.filter(sender=user)
        waiting = waiting.select_related("sender", "signer")[:200]
        return Response([_state(notice) for notice in waiting])

    @extend_schema(request={"application/json": OpenApiTypes.OBJECT}, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request) -> Response:
        """Submit an alert as GCN JSON or VOEvent."""
        content = request.data.read() if hasattr(request.data, "read") else b""
        notice = ingestion.hand_in(content, account_of(request))
        return Response(_state(notice), status.HTTP_201_CREATED)


class SignOff(APIView):
    """The decision on an alert."""

    permission_classes = (HasRole,)
    roles: ClassVar = {"POST": (Role.ALERT_SIGNER,)}
    parser_classes = (RawParser,)

    @extend_schema(request=None, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, number: str, step: str) -> Response:
        """Approve the alert, or refuse it."""
        notice = Notice.objects.filter(pk=int(number)).first()
        if notice is None:
            raise Http404(f"There is no alert {number}.")
        decide = ingestion.sign_off if step == "sign-off" else ingestion.refuse
        return Response(_state(decide(notice, account_of(request))))


def _state(notice: Notice) -> dict[str, object]:
    state = "issued" if notice.issued else "refused" if notice.refused else "waiting"
    return {
        "number": notice.pk,
        "id": notice.ivorn,
        "role": notice.role,
        "state": state,
        "sender": notice.sender.username,
        "signer": notice.signer.username if notice.signer else "",
    }
