"""The routes."""

from django.urls import path
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView
from server.accounts.views import AccountsView, MeView, SignUpView

urlpatterns = [
    path("token", TokenObtainPairView.as_view()),
    path("token/refresh", TokenRefreshView.as_view()),
    path("users", SignUpView.as_view()),
    path("users/me", MeView.as_view()),
    path("admin/users", AccountsView.as_view()),
]
