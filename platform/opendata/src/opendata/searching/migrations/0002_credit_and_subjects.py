"""Records are found by who paid, affiliations and subjects: the index is made anew.

The application's handler of `post_migrate` does it, with the models as they are when all migrations
are applied; this one makes databases that have all others go through it.
"""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    """Nothing of the tables changes."""

    dependencies: ClassVar = [("searching", "0001_initial"), ("records", "0003_credit")]

    operations: ClassVar = []
