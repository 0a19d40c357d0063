"""The pages of curators and reviewers; what may be done, `publishing` decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

from opendata.curation import sessions
from opendata.curation.forms import DraftForm, LoginForm, NewRecordForm
from opendata.curation.sessions import account_page, page
from opendata.portal.views import context_of
from opendata.records import publishing
from opendata.records.models import Account, Record, Role, State, Version
from opendata.records.publishing import NotAllowed, Refused
from opendata.records.store import TooLarge

_OPEN = (State.DRAFT, State.REVIEW)


@page("GET", "POST")
def login(request: HttpRequest) -> HttpResponseBase:
    """Ask for name and password."""
    target = str(request.POST.get("next") or request.GET.get("next") or "/curate/")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts=None) or target[:1] != "/":
        target = "/curate/"
    form = LoginForm(request.POST or None)
    status, wrong, headers = 200, "", {}
    if request.method == "POST" and form.is_valid():
        address = str(request.META.get("REMOTE_ADDR", ""))
        try:
            account = sessions.authenticate(**form.cleaned_data, address=address)
        except sessions.Paused as pause:
            status, headers = 429, {"Retry-After": str(pause.seconds)}
            minutes = -(-pause.seconds // 60)
            wrong = f"Too many logins failed. Try again in {minutes} minutes."
        else:
            if account is not None:
                sessions.log_in(request, account)
                return redirect(target)
            status, wrong = 403, "This name and password do not fit together."
    response = render(
        request,
        "curation/login.html",
        {"form": form, "wrong": wrong, "next": target},
        status=status,
    )
    for key, value in headers.items():
        response.headers[key] = value
    return response


@page("POST")
def logout(request: HttpRequest) -> HttpResponseBase:
    """End the session."""
    sessions.log_out(request)
    return redirect("/")


@account_page("GET")
def home(request: HttpRequest, account: Account) -> HttpResponse:
    """What waits for somebody: own drafts, reviews, others' drafts."""
    versions = Version.objects.filter(state__in=_OPEN).select_related("record").order_by("-id")
    drafts = [v for v in versions if v.state == State.DRAFT]
    return _render(
        request,
        account,
        "home.html",
        {
            "mine": [v for v in drafts if v.created_by == account.name],
            "others": [v for v in drafts if v.created_by != account.name],
            "reviews": [v for v in versions if v.state == State.REVIEW],
            "done": request.GET.get("done", "")[:300],
        },
    )


@account_page("GET", "POST")
def new(request: HttpRequest, account: Account) -> HttpResponseBase:
    """Make a record with its first draft."""
    form = NewRecordForm(request.POST or None)
    wrong = ""
    if "more_rows" in request.POST:
        form = NewRecordForm.again(request.POST)
    elif request.method == "POST" and form.is_valid():
        record, draft = form.record(), form.draft()
        if record is not None and draft is not None:
            try:
                publishing.create(record, draft, account)
                return redirect("draft", record.identifier)
            except Refused as error:
                wrong = str(error)
    return _render(
        request, account, "new.html", {"form": form, "wrong": wrong}, _status(form, wrong)
    )


@account_page("GET")
def draft(request: HttpRequest, account: Account, identifier: str) -> HttpResponse:
    """Show a draft, or a version in review."""
    return _draft(request, account, _open(identifier))


@account_page("POST")
def step(request: HttpRequest, account: Account, identifier: str, step: str) -> HttpResponseBase:
    """Do one thing to a draft, and show it again."""
    version = _open(identifier)
    if step == "save":
        return _save(request, account, version)
    try:
        done = _STEPS[step](version, account, request)
    except (Refused, TooLarge) as error:
        version = _open(identifier)
        text = f"The file has {error}." if isinstance(error, TooLarge) else str(error)
        status = 403 if isinstance(error, NotAllowed) else 409
        return _draft(request, account, version, wrong=text, status=status)
    if step in ("discard", "publish", "send-back", "submit"):
        return redirect(f"/curate/?{urlencode({'done': done})}")
    return redirect(f"/curate/drafts/{identifier}/?{urlencode({'done': done})}")


@account_page("GET")
def preview(request: HttpRequest, account: Account, identifier: str) -> HttpResponse:
    """Show a draft as its page will be."""
    version = _open(identifier)
    shown = context_of(version.record, version) | {"preview": True, "newest": True}
    return render(request, "record.html", shown)


@account_page("GET", "POST")
def record(request: HttpRequest, account: Account, identifier: str) -> HttpResponseBase:
    """What can be done with a published record: a new version, a withdrawal."""
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
                    raise Refused(f"there is no version {label}")
                publishing.withdraw(version, account, str(request.POST.get("reason", "")))
                done = f"{version} is withdrawn; its page says why."
                return redirect(f"/curate/?{urlencode({'done': done})}")
            publishing.next_version(entry, account, str(request.POST.get("changes", "")))
            return redirect("draft", identifier)
        except Refused as error:
            wrong, status = str(error), 403 if isinstance(error, NotAllowed) else 409
    versions = entry.versions.all()
    context = {"record": entry, "versions": versions, "wrong": wrong}
    return _render(request, account, "record.html", context, status)


def _open(identifier: str) -> Version:
    found = Version.objects.filter(record__identifier=identifier, state__in=_OPEN)
    version = found.select_related("record").first()
    if version is None:
        raise Http404(f"There is no draft of {identifier}.")
    return version


def _save(request: HttpRequest, account: Account, version: Version) -> HttpResponseBase:
    form = DraftForm(request.POST)
    wrong = ""
    if "more_rows" in request.POST:
        return _draft(request, account, version, form=DraftForm.again(request.POST))
    if form.is_valid():
        said = form.draft(version.service)
        if said is not None:
            try:
                publishing.change(version, said, account)
                query = urlencode({"done": "The draft is saved."})
                return redirect(f"/curate/drafts/{version.record.identifier}/?{query}")
            except Refused as error:
                wrong = str(error)
    version.refresh_from_db()
    return _draft(request, account, version, form=form, wrong=wrong, status=_status(form, wrong))


def _upload(version: Version, account: Account, request: HttpRequest) -> str:
    file = request.FILES.get("file")
    if file is None or not file.name:
        raise Refused("choose a file first")
    limit = settings.CONFIGURATION.upload_mb * 2**20
    added = publishing.add_file(version, file.name, file.chunks(2**18), account, limit=limit)
    if "paraminfo" not in version.metadata and added.description.content.get("annotation"):
        return f"{added.name} is there. It brings metadata: take them over below if they fit."
    return f"{added.name} is there."


def _remove(version: Version, account: Account, request: HttpRequest) -> str:
    file = version.files.filter(pk=_number(request.POST.get("file"))).first()
    if file is None:
        raise Refused("the draft has no such file")
    publishing.remove_file(file, account)
    return f"{file.name} is removed."


def _adopt(version: Version, account: Account, request: HttpRequest) -> str:
    file = version.files.filter(pk=_number(request.POST.get("file"))).first()
    annotation = file.description.content.get("annotation") if file else None
    if file is None or not annotation:
        raise Refused("the file brings no metadata")
    own = {k: v for k, v in (version.metadata.get("header") or {}).items() if v not in (None, "")}
    header = own | (annotation.get("header") or {})
    if version.creators:
        # What was entered by hand says more than the one text of a file.
        header["author"] = version.authors
    metadata = version.metadata | annotation | {"header": header, "ktype": version.ktype}
    publishing.change(version, publishing.draft_like(version, metadata=metadata), account)
    return f"The metadata of {file.name} are taken over."


def _number(text: Any) -> int:
    return int(text) if str(text).isdecimal() and len(str(text)) < 18 else 0


def _submit(version: Version, account: Account, request: HttpRequest) -> str:
    reason = str(request.POST.get("accept_findings", ""))
    publishing.submit(version, account, accept_findings=reason)
    return f"{version} waits for a reviewer."


def _discard(version: Version, account: Account, request: HttpRequest) -> str:
    text = f"The draft {version} is gone."
    publishing.discard(version, account)
    return text


def _publish(version: Version, account: Account, request: HttpRequest) -> str:
    return f"{publishing.approve(version, account)} is published."


def _send_back(version: Version, account: Account, request: HttpRequest) -> str:
    publishing.reject(version, account, str(request.POST.get("reason", "")))
    return f"{version} is a draft again; its curator sees why."


_STEPS: dict[str, Callable[[Version, Account, HttpRequest], str]] = {
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
    account: Account,
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
        account,
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
            "own": version.submitted_by == account.name,
            "wrong": wrong,
            "done": "" if wrong else request.GET.get("done", "")[:300],
            "upload_mb": settings.CONFIGURATION.upload_mb,
        },
        status,
    )


def _status(form: DraftForm, wrong: str) -> int:
    return 409 if wrong else 200 if form.is_valid() or not form.is_bound else 400


def _render(
    request: HttpRequest,
    account: Account,
    template: str,
    context: dict[str, Any],
    status: int = 200,
) -> HttpResponse:
    roles = {
        "account": account,
        "is_curator": account.has(Role.CURATOR),
        "is_reviewer": account.has(Role.REVIEWER),
    }
    return render(request, f"curation/{template}", context | roles, status=status)
