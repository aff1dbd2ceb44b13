"""What is shown of an account, and what makes one."""

from typing import Any

from django.contrib.auth.password_validation import validate_password
from rest_framework import serializers
from server.accounts.models import User


class AccountSerializer(serializers.ModelSerializer):
    """An account, as its owner and admins see it."""

    class Meta:
        """The columns that are shown."""

        model = User
        fields = [
            *("id", "email", "first_name", "last_name"),
            *("is_active", "is_staff", "date_joined", "last_login"),
        ]


class SignUpSerializer(serializers.ModelSerializer):
    """A new account."""

    password = serializers.CharField(write_only=True)

    class Meta:
        """The columns that are asked for."""

        model = User
        fields = ["id", "email", "password", "first_name", "last_name", "date_joined"]
        read_only_fields = ["date_joined"]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse passwords that Django's validators refuse."""
        known = {name: value for name, value in attrs.items() if name != "password"}
        validate_password(attrs["password"], User(**known))
        return attrs

    def create(self, validated_data: dict[str, Any]) -> User:
        """Make the account, with its password hashed."""
        return User.objects.create_user(**validated_data)
