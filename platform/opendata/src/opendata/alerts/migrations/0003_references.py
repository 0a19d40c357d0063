"""From the names of accounts to references."""

from typing import Any, ClassVar

from django.db import migrations


def refer(apps: Any, schema_editor: Any) -> None:
    """Fills the references of alerts."""
    using = schema_editor.connection.alias
    notices = apps.get_model("alerts", "Notice").objects.using(using)
    for user in apps.get_model("accounts", "User").objects.using(using).all():
        for name in ("sender", "signer"):
            notices.filter(**{f"{name}_name": user.username}).update(**{name: user})


class Migration(migrations.Migration):
    """Nothing of the tables changes."""

    dependencies: ClassVar = [("alerts", "0002_accounts")]

    operations: ClassVar = [migrations.RunPython(refer, elidable=True)]
