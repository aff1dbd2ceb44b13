"""A service of your own that lets people in with Cardea's access tokens."""

import os
from typing import Annotated, Any

import jwt
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

CARDEA = os.environ.get("CARDEA_URL", "http://localhost:8000")  # its PUBLIC_URL
AUDIENCE = "cardea"  # its TOKEN_AUDIENCE
CLAIMS = ["iss", "aud", "exp", "iat", "sub", "sid", "scope"]
keys = jwt.PyJWKClient(f"{CARDEA}/.well-known/jwks.json", lifespan=600, timeout=5)
Bearer = Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]


def caller(bearer: Bearer) -> dict[str, Any]:
    """Return what a token says that Cardea issued, for us, and not too long ago."""
    token = bearer.credentials
    try:
        if jwt.get_unverified_header(token).get("typ") != "at+jwt":
            raise jwt.InvalidTokenError("not an access token")
        return jwt.decode(
            token,
            keys.get_signing_key_from_jwt(token),
            algorithms=["ES256"],
            issuer=CARDEA,
            audience=AUDIENCE,
            options={"require": CLAIMS},
        )
    except jwt.PyJWKClientConnectionError:
        raise HTTPException(503) from None
    except jwt.PyJWTError:
        raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"}) from None


app = FastAPI()


@app.get("/articles")
def list_articles(claims: Annotated[dict[str, Any], Depends(caller)]) -> dict[str, Any]:
    """Answer whoever holds the permission `articles:read`."""
    if "articles:read" not in claims["scope"].split():
        raise HTTPException(403)
    return {"reader": claims["sub"], "articles": []}
