"""The tables of the portal.

:mod:`opendata.records.publishing` decides what may change when; the models themselves refuse what
must never happen, a change of something published.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from opendata.records.credit import Creator, Funding, byline
from openkm3.metadata import KTYPES, Annotation


class Immutable(Exception):
    """An attempt to change something published, or an entry of the audit."""


class State(models.TextChoices):
    """The state of a version."""

    DRAFT = "draft"
    REVIEW = "review"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


class Kind(models.TextChoices):
    """The kind of entry that a record is in the catalogue."""

    COLLECTION = "collection"
    STREAM = "stream"
    RESOURCE = "resource"


def _account() -> models.ForeignKey[Any, Any]:
    """Returns a reference to an account; an account that has acted is closed, never deleted."""
    return models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")


class Record(models.Model):
    """One entry: what its versions share, and an index of the current one.

    The fields below `current` repeat the current version, so that searching and listing read one
    table only; :meth:`reindex` writes them.
    """

    identifier = models.CharField(max_length=200, unique=True)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.RESOURCE)
    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="children")
    position = models.PositiveIntegerField(default=0)
    created = models.DateTimeField(auto_now_add=True)
    current = models.OneToOneField("Version", models.PROTECT, null=True, related_name="+")

    title = models.CharField(max_length=300, default="")
    ktype = models.CharField(max_length=100, default="", db_index=True)
    instrument = models.CharField(max_length=100, default="", db_index=True)
    license = models.CharField(max_length=100, default="", db_index=True)
    simulated = models.BooleanField(default=False)
    withdrawn = models.BooleanField(default=False)
    published = models.DateTimeField(null=True, db_index=True)
    measured_from = models.DateField(null=True)
    measured_to = models.DateField(null=True)
    text = models.TextField(default="")

    class Meta:
        """Order and constraints."""

        ordering: ClassVar = ["position", "identifier"]
        permissions: ClassVar = [
            ("curate_record", "Can write records and submit them"),
            ("review_record", "Can approve, reject and withdraw records"),
        ]

    def __str__(self) -> str:
        return self.identifier

    def reindex(self) -> None:
        """Copies the current version into the record's own row."""
        version = self.current
        if version is None:
            return
        annotation = version.annotation
        self.title = version.title
        self.ktype = version.ktype
        self.instrument = annotation.header.instrument or ""
        self.license = annotation.header.license or ""
        self.simulated = version.simulated
        self.withdrawn = version.state == State.WITHDRAWN
        self.published = version.published_at
        self.measured_from, self.measured_to = version.measured()
        words = [
            self.identifier,
            *self.aliases.values_list("name", flat=True),
            version.title,
            version.description,
            version.doi,
            self.instrument,
            KTYPES[version.ktype].label if version.ktype in KTYPES else "",
            *_words_of_credit(version),
            *(
                f"{key} {p.name or ''} {p.description or ''}"
                for key, p in annotation.paraminfo.items()
            ),
        ]
        self.text = "\n".join(word for word in words if word).lower()
        self.save()


def _words_of_credit(version: Version) -> Iterator[str]:
    """Yields what people search for beside the title: creators, funders, subjects."""
    from opendata.records.subjects import subjects_of

    for creator in version.people:
        yield creator.name
        yield from filter(None, (creator.orcid, creator.ror))
        yield from (affiliation.name for affiliation in creator.affiliations)
    for grant in version.grants:
        yield from filter(None, (grant.funder, grant.award_title, grant.award_number))
    yield from (subject.term for subject in subjects_of(version))


class Alias(models.Model):
    """Another name under which a record was published."""

    record = models.ForeignKey(Record, models.CASCADE, related_name="aliases")
    name = models.CharField(max_length=200, unique=True)


class Version(models.Model):
    """A version of a record. Once published it never changes, except by its withdrawal."""

    record = models.ForeignKey(Record, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    label = models.CharField(max_length=30, default="1.0")
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    title = models.CharField(max_length=300)
    description = models.TextField(blank=True)
    ktype = models.CharField(max_length=100)
    metadata = models.JSONField(default=dict)
    #: Lists of creators and grants (opendata.records.credit) and subjects
    #: (opendata.records.subjects).
    creators = models.JSONField(default=list)
    funding = models.JSONField(default=list)
    subjects = models.JSONField(default=list)
    #: By whom and when (YYYY, YYYY-MM or YYYY-MM-DD) it was published elsewhere.
    publisher = models.CharField(max_length=300, blank=True, default="")
    issued = models.CharField(max_length=10, blank=True, default="")
    simulated = models.BooleanField(default=False)
    doi = models.CharField(max_length=200, blank=True)
    url = models.URLField(max_length=500, blank=True)
    service = models.JSONField(default=dict)
    changes = models.TextField(blank=True)
    findings_accepted = models.TextField(blank=True)
    created_by = _account()
    submitted_by = _account()
    approved_by = _account()
    created = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_reason = models.TextField(blank=True)

    class Meta:
        """Order and constraints."""

        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["record", "number"], name="version_number_once"),
            models.UniqueConstraint(fields=["record", "label"], name="version_label_once"),
        ]

    _WITHDRAWAL: ClassVar = {"state", "withdrawn_at", "withdrawn_reason"}

    def __str__(self) -> str:
        return f"{self.record.identifier} {self.label}"

    @property
    def annotation(self) -> Annotation:
        """The metadata as openkm3 reads them."""
        return Annotation.parse(self.metadata)

    @property
    def people(self) -> list[Creator]:
        """The people and organisations that made it."""
        return [Creator.model_validate(item) for item in self.creators]

    @property
    def grants(self) -> list[Funding]:
        """The grants that paid for it."""
        return [Funding.model_validate(item) for item in self.funding]

    @property
    def authors(self) -> str:
        """Its creators as one text, for older clients."""
        return byline(self.people)

    @property
    def is_elsewhere(self) -> bool:
        """Whether the record stands for something that the portal does not hold itself.

        So it is for papers, and for data behind an address or DOI, of which the portal is not the
        publisher.
        """
        if self.record.kind != Kind.RESOURCE or self.service:
            return False
        return self.ktype == "km3.resource.paper" or (
            bool(self.doi or self.url) and not self.files.all()
        )

    def measured(self) -> tuple[Any, Any]:
        """Returns the first and last day of data taking, None where unknown."""
        from openkm3.metadata.validation import instant

        times = self.annotation.origin.range.get("time")
        header = self.annotation.header
        result = []
        for key in ("measurement_start", "measurement_stop"):
            text = getattr(times, key, None) or getattr(header, key)
            moment = instant(text) if text else None
            result.append(None if moment is None else moment.astype("datetime64[D]").item())
        return result[0], result[1]

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Saves a version; a published one can only be withdrawn."""
        if self.pk:
            before = Version.objects.get(pk=self.pk)
            fields = {field.attname for field in self._meta.concrete_fields}
            changed = {name for name in fields if getattr(before, name) != getattr(self, name)}
            frozen = before.state in (State.PUBLISHED, State.WITHDRAWN)
            withdrawal = before.state == State.PUBLISHED and self.state == State.WITHDRAWN
            if frozen and changed - (self._WITHDRAWAL if withdrawal else set()):
                raise Immutable(f"{before} is {before.state}: create a new version instead")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        """Deletes a draft; a published version has to be withdrawn instead."""
        if self.state in (State.PUBLISHED, State.WITHDRAWN):
            raise Immutable(f"{self} was published: withdraw it instead")
        return super().delete(*args, **kwargs)


class DataFile(models.Model):
    """A file of a version; its content is in the store under its sha256."""

    version = models.ForeignKey(Version, models.CASCADE, related_name="files")
    name = models.CharField(max_length=200)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64, db_index=True)
    media_type = models.CharField(max_length=100)
    format = models.CharField(max_length=20, blank=True)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        """Order and constraints."""

        ordering: ClassVar = ["position", "name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["version", "name"], name="file_name_once")
        ]

    def __str__(self) -> str:
        return f"{self.version}/{self.name}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Saves the file, unless the version was published."""
        self._refuse_published()
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        """Deletes the file, unless the version was published."""
        self._refuse_published()
        return super().delete(*args, **kwargs)

    def _refuse_published(self) -> None:
        if self.version.state in (State.PUBLISHED, State.WITHDRAWN):
            raise Immutable(f"{self.version} is {self.version.state}: its files cannot change")


class Description(models.Model):
    """What was found in a file: tables, columns, previews, findings. Can be rebuilt at any time."""

    file = models.OneToOneField(DataFile, models.CASCADE, related_name="description")
    content = models.JSONField(default=dict)


class AuditEntry(models.Model):
    """Who did what; entries are only added."""

    at = models.DateTimeField(auto_now_add=True)
    user = _account()
    #: The name of the account at that time.
    account = models.CharField(max_length=100)
    action = models.CharField(max_length=50)
    subject = models.CharField(max_length=250)
    detail = models.JSONField(default=dict)

    class Meta:
        """Order and constraints."""

        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.account} {self.action} {self.subject}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Adds the entry."""
        if self.pk:
            raise Immutable("entries of the audit cannot be changed")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        """Refuses to delete an entry."""
        raise Immutable("entries of the audit cannot be deleted")
