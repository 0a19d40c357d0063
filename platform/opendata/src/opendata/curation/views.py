"""The pages of curators and reviewers; `publishing` decides what they may do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render

from opendata.accounts.models import User
from opendata.accounts.roles import Role
from opendata.curation.access import curation_page
from opendata.curation.forms import DraftForm, NewRecordForm
from opendata.portal.views import context_of
from opendata.records import publishing
from opendata.records.models import Record, State, Version
from opendata.records.publishing import NotAllowed, Refused
from opendata.records.store import TooLarge

_OPEN = (State.DRAFT, State.REVIEW)


@curation_page("GET")
def home(request: HttpRequest, user: User) -> HttpResponse:
    """Lists what awaits action: own drafts, reviews, drafts of others."""
    versions = Version.objects.filter(state__in=_OPEN).order_by("-id")
    versions = versions.select_related("record", "created_by")
    drafts = [v for v in versions if v.state == State.DRAFT]
    return _render(
        request,
        user,
        "home.html",
        {
            "mine": [v for v in drafts if v.created_by_id == user.pk],
            "others": [v for v in drafts if v.created_by_id != user.pk],
            "reviews": [v for v in versions if v.state == State.REVIEW],
        },
    )


@curation_page("GET", "POST")
def new(request: HttpRequest, user: User) -> HttpResponseBase:
    """Creates a record with its first draft."""
    if not user.has_perm(Role.CURATOR.permission):
        raise PermissionDenied(f"{user} needs the role curator to {Role.CURATOR.label}.")
    form = NewRecordForm(request.POST or None)
    wrong = ""
    if "more_rows" in request.POST:
        form = NewRecordForm.with_more_rows(request.POST)
    elif request.method == "POST" and form.is_valid():
        record, draft = form.record(), form.draft()
        if record is not None and draft is not None:
            try:
                publishing.create(record, draft, user)
                return redirect("draft", record.identifier)
            except Refused as error:
                wrong = str(error)
    return _render(request, user, "new.html", {"form": form, "wrong": wrong}, _status(form, wrong))


@curation_page("GET")
def draft(request: HttpRequest, user: User, identifier: str) -> HttpResponse:
    """Shows a draft, or a version in review."""
    return _draft(request, user, _open(identifier))


@curation_page("POST")
def step(request: HttpRequest, user: User, identifier: str, step: str) -> HttpResponseBase:
    """Takes one step with a draft, and shows it again."""
    version = _open(identifier)
    if step == "save":
        return _save(request, user, version)
    try:
        done = _STEPS[step](version, user, request)
    except (Refused, TooLarge) as error:
        version = _open(identifier)
        text = f"The file has {error}." if isinstance(error, TooLarge) else str(error)
        status = 403 if isinstance(error, NotAllowed) else 409
        return _draft(request, user, version, wrong=text, status=status)
    messages.success(request, done)
    if step in ("discard", "publish", "send-back", "submit"):
        return redirect("curate")
    return redirect("draft", identifier)


@curation_page("GET")
def preview(request: HttpRequest, user: User, identifier: str) -> HttpResponse:
    """Shows a draft as its page will be."""
    version = _open(identifier)
    shown = context_of(version.record, version) | {"preview": True, "newest": True}
    return render(request, "record.html", shown)


@curation_page("GET", "POST")
def record(request: HttpRequest, user: User, identifier: str) -> HttpResponseBase:
    """Offers what can be done with a published record: a new version, a withdrawal."""
    entry = Record.objects.filter(identifier=identifier, current__isnull=False).first()
    if entry is None:
        raise Http404(f"There is no published record {identifier}.")
    wrong, status = "", 200
    if request.method == "POST":
        try:
            if "withdraw" in request.POST:
                label = str(request.POST["withdraw"])
                version = entry.versions.filter(label=label).first()
                if version is None:
                    raise Refused(f"{identifier} has no version {label}; reload the page")
                publishing.withdraw(version, user, str(request.POST.get("reason", "")))
                messages.success(request, f"{version} was withdrawn; its page shows the reason.")
                return redirect("curate")
            publishing.next_version(entry, user, str(request.POST.get("changes", "")))
            return redirect("draft", identifier)
        except Refused as error:
            wrong, status = str(error), 403 if isinstance(error, NotAllowed) else 409
    versions = entry.versions.all()
    context = {"record": entry, "versions": versions, "wrong": wrong}
    return _render(request, user, "record.html", context, status)


def _open(identifier: str) -> Version:
    found = Version.objects.filter(record__identifier=identifier, state__in=_OPEN)
    version = found.select_related("record").first()
    if version is None:
        raise Http404(f"There is no draft of {identifier}.")
    return version


def _save(request: HttpRequest, user: User, version: Version) -> HttpResponseBase:
    form = DraftForm(request.POST)
    wrong = ""
    if "more_rows" in request.POST:
        return _draft(request, user, version, form=DraftForm.with_more_rows(request.POST))
    if form.is_valid():
        content = form.draft(version.service)
        if content is not None:
            try:
                publishing.change(version, content, user)
                messages.success(request, "The draft was saved.")
                return redirect("draft", version.record.identifier)
            except Refused as error:
                wrong = str(error)
    version.refresh_from_db()
    return _draft(request, user, version, form=form, wrong=wrong, status=_status(form, wrong))


def _upload(version: Version, user: User, request: HttpRequest) -> str:
    file = request.FILES.get("file")
    if file is None or not file.name:
        raise Refused("choose a file first")
    limit = settings.CONFIGURATION.upload_mb * 2**20
    added = publishing.add_file(version, file.name, file.chunks(2**18), user, limit=limit)
    if "paraminfo" not in version.metadata and added.description.content.get("annotation"):
        return f"{added.name} was uploaded. It contains metadata; import it below."
    return f"{added.name} was uploaded."


def _remove(version: Version, user: User, request: HttpRequest) -> str:
    file = version.files.filter(pk=_number(request.POST.get("file"))).first()
    if file is None:
        raise Refused("this draft has no such file; reload the page")
    publishing.remove_file(file, user)
    return f"{file.name} was removed."


def _adopt(version: Version, user: User, request: HttpRequest) -> str:
    file = version.files.filter(pk=_number(request.POST.get("file"))).first()
    annotation = file.description.content.get("annotation") if file else None
    if file is None or not annotation:
        raise Refused("this file contains no metadata")
    own = {k: v for k, v in (version.metadata.get("header") or {}).items() if v not in (None, "")}
    header = own | (annotation.get("header") or {})
    if version.creators:
        # People entered by hand say more than the one text of a file.
        header["author"] = version.authors
    metadata = version.metadata | annotation | {"header": header, "ktype": version.ktype}
    publishing.change(version, publishing.draft_like(version, metadata=metadata), user)
    return f"The metadata of {file.name} were imported."


def _number(text: Any) -> int:
    return int(text) if str(text).isdecimal() and len(str(text)) < 18 else 0


def _submit(version: Version, user: User, request: HttpRequest) -> str:
    reason = str(request.POST.get("accept_findings", ""))
    publishing.submit(version, user, accept_findings=reason)
    return f"{version} was submitted for review."


def _discard(version: Version, user: User, request: HttpRequest) -> str:
    text = f"The draft {version} was deleted."
    publishing.discard(version, user)
    return text


def _publish(version: Version, user: User, request: HttpRequest) -> str:
    return f"{publishing.approve(version, user)} is published."


def _send_back(version: Version, user: User, request: HttpRequest) -> str:
    publishing.reject(version, user, str(request.POST.get("reason", "")))
    return f"{version} was sent back; its curator sees your reason."


_STEPS: dict[str, Callable[[Version, User, HttpRequest], str]] = {
    "upload": _upload,
    "remove": _remove,
    "adopt": _adopt,
    "submit": _submit,
    "discard": _discard,
    "publish": _publish,
    "send-back": _send_back,
}


def _draft(
    request: HttpRequest,
    user: User,
    version: Version,
    *,
    form: DraftForm | None = None,
    wrong: str = "",
    status: int = 200,
) -> HttpResponse:
    found = publishing.findings(version)
    files = version.files.select_related("description")
    return _render(
        request,
        user,
        "draft.html",
        {
            "version": version,
            "record": version.record,
            "form": form or DraftForm.of(version),
            "files": [{"file": file, "content": file.description.content} for file in files],
            "errors": [item for item in found if item.level == "error"],
            "advice": [item for item in found if item.level != "error"],
            "sent_back": publishing.sent_back(version),
            "editing": form is not None,
            "own": version.submitted_by_id == user.pk,
            "wrong": wrong,
            "upload_mb": settings.CONFIGURATION.upload_mb,
        },
        status,
    )


def _status(form: DraftForm, wrong: str) -> int:
    return 409 if wrong else 200 if form.is_valid() or not form.is_bound else 400


def _render(
    request: HttpRequest,
    user: User,
    template: str,
    context: dict[str, Any],
    status: int = 200,
) -> HttpResponse:
    roles = {
        "user": user,
        "messages": messages.get_messages(request),
        "is_curator": user.has_perm(Role.CURATOR.permission),
        "is_reviewer": user.has_perm(Role.REVIEWER.permission),
    }
    return render(request, f"curation/{template}", context | roles, status=status)
