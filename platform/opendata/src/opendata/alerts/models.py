"""The table of alerts."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models


class Notice(models.Model):
    """One record of an alert: as it was handed in, as VOEvent, and who signed it off."""

    ivorn = models.CharField(max_length=300, unique=True)
    event_name = models.CharField(max_length=100, db_index=True)
    role = models.CharField(max_length=20)
    alert_type = models.CharField(max_length=20, blank=True)
    instrument = models.CharField(max_length=100, blank=True)
    document = models.JSONField()
    voevent = models.BinaryField()
    ra = models.FloatField(null=True)
    dec = models.FloatField(null=True)
    radius = models.FloatField(null=True)
    trigger_time = models.CharField(max_length=40, blank=True)
    received = models.DateTimeField(auto_now_add=True)
    sender = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    #: Who signed it off or refused it.
    signer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    issued = models.DateTimeField(null=True, db_index=True)
    refused = models.BooleanField(default=False)

    class Meta:
        """Order and constraints."""

        ordering: ClassVar = ["-issued", "-id"]
        permissions: ClassVar = [
            ("send_notice", "Can hand in alerts"),
            ("sign_notice", "Can sign alerts off"),
        ]

    def __str__(self) -> str:
        return self.ivorn
