"""The references have replaced the names; each alert has a sender."""

from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Drops what was carried over."""

    dependencies: ClassVar = [("alerts", "0003_references")]

    operations: ClassVar = [
        migrations.RemoveField("notice", "sender_name"),
        migrations.RemoveField("notice", "signer_name"),
        migrations.AlterField(
            "notice",
            "sender",
            models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
    ]
