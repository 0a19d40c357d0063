"""The index of words, filled with what is published."""

from typing import Any, ClassVar

from django.db import migrations, models


def _make(apps: Any, editor: Any) -> None:
    from opendata.searching import engines, index

    engines.of(editor.connection).make()
    index.fill(
        apps.get_model("records", "Record"), apps.get_model("searching", "Word"), editor.connection
    )


def _drop(apps: Any, editor: Any) -> None:
    editor.execute("DROP TABLE searching_index")


class Migration(migrations.Migration):
    """The vocabulary, and the index of the database's own kind."""

    initial = True

    dependencies: ClassVar = [("records", "0002_curation")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="Word",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("form", models.CharField(max_length=100, unique=True)),
                ("length", models.PositiveSmallIntegerField(db_index=True)),
            ],
        ),
        migrations.RunPython(_make, _drop),
    ]
