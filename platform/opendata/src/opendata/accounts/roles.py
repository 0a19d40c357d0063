"""Roles: groups of Django's authentication, each with one permission."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.apps.registry import Apps
from django.db import models


class Role(models.TextChoices):
    """What an account may do; the value is the name of the group."""

    CURATOR = "curator", "write records and submit them"
    REVIEWER = "reviewer", "approve, reject and withdraw"
    ALERT_SENDER = "alert-sender", "hand in alerts"
    ALERT_SIGNER = "alert-signer", "sign alerts off"

    @property
    def permission(self) -> str:
        """The permission of the role, as ``has_perm`` takes it."""
        return _PERMISSIONS[self.value]


_PERMISSIONS = {
    "curator": "records.curate_record",
    "reviewer": "records.review_record",
    "alert-sender": "alerts.send_notice",
    "alert-signer": "alerts.sign_notice",
}
#: Roles whose accounts may log in to the pages; alerts are handed in and signed off by programs.
LOGIN_ROLES = (Role.CURATOR, Role.REVIEWER)


def give_permissions(sender: AppConfig, using: str, apps: Apps, **_: Any) -> None:
    """Give the groups of roles the permissions of one application.

    A handler of `post_migrate`: Django creates permissions only after the migrations.
    """
    try:
        groups = apps.get_model("auth", "Group").objects.using(using)
        permissions = apps.get_model("auth", "Permission").objects.using(using)
    except LookupError:
        return  # the migrations stopped before Django's authentication
    for role in Role:
        label, _dot, codename = role.permission.partition(".")
        if label != sender.label:
            continue
        permission = permissions.filter(content_type__app_label=label, codename=codename).first()
        if permission is not None:
            group, _made = groups.get_or_create(name=role.value)
            group.permissions.add(permission)
