"""Accounts, tokens and failed logins are in tables of `accounts` and of django-axes now."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    """Drops what was carried over."""

    dependencies: ClassVar = [("records", "0005_references")]

    operations: ClassVar = [
        migrations.RemoveField("version", "created_by_name"),
        migrations.RemoveField("version", "submitted_by_name"),
        migrations.RemoveField("version", "approved_by_name"),
        migrations.DeleteModel("Token"),
        migrations.DeleteModel("Account"),
        migrations.DeleteModel("FailedLogin"),
    ]
