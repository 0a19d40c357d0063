"""Passwords and failed logins; who began a version."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """What logging in needs."""

    dependencies: ClassVar = [
        ("records", "0001_initial"),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name="FailedLogin",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.CharField(db_index=True, max_length=64)),
                ("at", models.DateTimeField(auto_now_add=True, db_index=True)),
            ],
        ),
        migrations.AddField(
            model_name="account",
            name="password",
            field=models.CharField(blank=True, default="", max_length=200),
        ),
        migrations.AddField(
            model_name="version",
            name="created_by",
            field=models.CharField(blank=True, default="", max_length=100),
        ),
    ]
