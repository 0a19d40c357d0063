"""Alerts refer to the accounts of sender and signer; the permissions of both."""

from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


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
        ("alerts", "0001_initial"),
    ]

    operations: ClassVar = [
        migrations.AlterModelOptions(
            name="notice",
            options={
                "ordering": ["-issued", "-id"],
                "permissions": [
                    ("send_notice", "Can hand in alerts"),
                    ("sign_notice", "Can sign alerts off"),
                ],
            },
        ),
        migrations.RenameField("notice", "sender", "sender_name"),
        migrations.RenameField("notice", "signer", "signer_name"),
        migrations.AddField("notice", "sender", _account()),
        migrations.AddField("notice", "signer", _account()),
    ]
