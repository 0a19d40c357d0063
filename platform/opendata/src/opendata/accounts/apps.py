"""The Django application of accounts."""

from django.apps import AppConfig


class Accounts(AppConfig):
    """Users with roles, passwords and tokens."""

    name = "opendata.accounts"
    label = "accounts"

    def ready(self) -> None:
        """Give each role its permissions after every migration."""
        from django.db.models.signals import post_migrate

        from opendata.accounts.roles import give_permissions

        post_migrate.connect(give_permissions, dispatch_uid="permissions-of-roles")
