"""Versions and the audit refer to accounts; the permissions of curators and reviewers."""

from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

PEOPLE = ("created_by", "submitted_by", "approved_by")


def _account() -> models.Field:  # type: ignore[type-arg]
    return models.ForeignKey(
        null=True,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to=settings.AUTH_USER_MODEL,
    )


class Migration(migrations.Migration):
    """The names stay beside the references until these are filled."""

    dependencies: ClassVar = [
        ("accounts", "0002_carry_over"),
        ("records", "0003_credit"),
    ]

    operations: ClassVar = [
        migrations.AlterModelOptions(
            name="record",
            options={
                "ordering": ["position", "identifier"],
                "permissions": [
                    ("curate_record", "Can write records and submit them"),
                    ("review_record", "Can approve, reject and withdraw records"),
                ],
            },
        ),
        *(migrations.RenameField("version", name, f"{name}_name") for name in PEOPLE),
        *(migrations.AddField("version", name, _account()) for name in PEOPLE),
        migrations.AddField("auditentry", "user", _account()),
    ]
