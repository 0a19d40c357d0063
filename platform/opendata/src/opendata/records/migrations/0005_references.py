"""From the names of accounts to references."""

from typing import Any, ClassVar

from django.db import migrations

_PEOPLE = ("created_by", "submitted_by", "approved_by")


def refer(apps: Any, schema_editor: Any) -> None:
    """Fills the references of versions and of the audit.

    Published versions and entries of the audit are written, too: they say the same as before.
    """
    using = schema_editor.connection.alias
    versions = apps.get_model("records", "Version").objects.using(using)
    audit = apps.get_model("records", "AuditEntry").objects.using(using)
    for user in apps.get_model("accounts", "User").objects.using(using).all():
        for name in _PEOPLE:
            versions.filter(**{f"{name}_name": user.username}).update(**{name: user})
        audit.filter(account=user.username).update(user=user)


class Migration(migrations.Migration):
    """Nothing of the tables changes."""

    dependencies: ClassVar = [("records", "0004_accounts")]

    operations: ClassVar = [migrations.RunPython(refer, elidable=True)]
