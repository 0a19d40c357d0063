"""People and organisations instead of one text of authors; funding, subjects, where published."""

from typing import Any, ClassVar

from django.db import migrations, models

from opendata.records.bylines import creators_of


def read_authors(apps: Any, schema_editor: Any) -> None:
    """Read the authors of each version; the text stays where it is, in the metadata's header.

    Published versions are written too: that they never change is a rule for what they say, and
    they say the same.
    """
    versions = apps.get_model("records", "Version").objects.using(schema_editor.connection.alias)
    # All keys are read first: what is written meanwhile cannot come up again.
    for key in list(versions.values_list("pk", flat=True)):
        metadata = versions.values_list("metadata", flat=True).get(pk=key)
        header = metadata.get("header") if isinstance(metadata, dict) else None
        author = header.get("author") if isinstance(header, dict) else None
        if author is None or isinstance(author, (bool, dict, list)):
            continue
        creators = [creator.plain() for creator in creators_of(str(author))]
        if creators:
            versions.filter(pk=key).update(creators=creators)


class Migration(migrations.Migration):
    """Fields for credit, filled from what the metadata say."""

    dependencies: ClassVar = [
        ("records", "0002_curation"),
    ]

    operations: ClassVar = [
        migrations.AddField("version", "creators", models.JSONField(default=list)),
        migrations.AddField("version", "funding", models.JSONField(default=list)),
        migrations.AddField("version", "subjects", models.JSONField(default=list)),
        migrations.AddField(
            "version", "publisher", models.CharField(blank=True, default="", max_length=300)
        ),
        migrations.AddField(
            "version", "issued", models.CharField(blank=True, default="", max_length=10)
        ),
        migrations.RunPython(read_authors, migrations.RunPython.noop, elidable=True),
    ]
