"""Scripts log in with a token that a person made on the tokens page."""

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from annotation.models import ApiToken, Person


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer mix_…`"""

    def authenticate(self, request: Request) -> tuple[Person, ApiToken] | None:
        """The token's person; None when the request carries no token."""
        words = get_authorization_header(request).decode("latin-1").split()
        if not words or words[0].lower() != "bearer":
            return None
        token = ApiToken.find(words[1]) if len(words) == 2 else None
        if token is None:
            raise AuthenticationFailed("This token is unknown, revoked or expired; make a new one on the tokens page.")
        return token.person, token

    def authenticate_header(self, request: Request) -> str:
        """Ask for a token, so that a missing login is 401 and not 403."""
        return "Bearer"
