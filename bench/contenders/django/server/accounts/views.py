"""The views that simplejwt does not bring along."""

from rest_framework.generics import CreateAPIView, ListAPIView
from rest_framework.pagination import CursorPagination
from rest_framework.permissions import AllowAny, IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from server.accounts.models import User
from server.accounts.serializers import AccountSerializer, SignUpSerializer


class AccountPages(CursorPagination):
    """Fifty a page, newest first.

    REST framework's documentation advises cursors for large tables, and a column that
    is unique, never changes and has an index.
    """

    page_size = 50
    ordering = "-id"


class MeView(APIView):
    """The caller's own account."""

    def get(self, request: Request) -> Response:
        """Show it."""
        return Response(AccountSerializer(request.user).data)


class SignUpView(CreateAPIView):
    """A sign-up."""

    serializer_class = SignUpSerializer
    permission_classes = [AllowAny]


class AccountsView(ListAPIView):
    """All accounts, for admins."""

    queryset = User.objects.all()
    serializer_class = AccountSerializer
    permission_classes = [IsAdminUser]
    pagination_class = AccountPages
