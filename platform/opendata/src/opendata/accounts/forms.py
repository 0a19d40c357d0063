"""The form to log in."""

from __future__ import annotations

from django import forms
from django.contrib.auth.forms import AuthenticationForm


class LoginForm(AuthenticationForm):
    """User name and password."""

    # Not Django's own field, which normalises: names of older accounts were never normalised.
    username = forms.CharField(
        label="User name",
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
    password = forms.CharField(
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    error_messages = AuthenticationForm.error_messages | {
        "invalid_login": "Incorrect user name or password.",
    }

    def add_prefix(self, field_name: str) -> str:
        """Returns what a field is called in a request: `name`, as it always was here."""
        return super().add_prefix("name" if field_name == "username" else field_name)
