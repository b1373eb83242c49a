"""The outer sign-in: OpenID Connect with a code, as the clinic's provider speaks it."""

from __future__ import annotations

from dataclasses import dataclass
from secrets import token_urlsafe
from typing import Any

from imgcore.config import Settings
from imgcore.domain.accounts import OuterPerson
from imgcore.errors import Unauthenticated, Unavailable
from imgcore.texts import _

SECONDS = 10
# How far the provider's clock may be from ours.
LEEWAY = 60
# Only those with which the provider alone can sign.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")


@dataclass(frozen=True)
class Pending:
    """What must come back unchanged, or be proved, before somebody counts as signed in."""

    state: str
    nonce: str
    verifier: str
    target: str


class Provider:
    """The provider that the settings name; ``callback`` is where it sends people back to."""

    def __init__(self, settings: Settings, callback: str) -> None:
        self._settings = settings
        self._callback = callback

    def start(self, target: str) -> tuple[str, Pending]:
        """Return where to send the browser, and what to remember meanwhile."""
        pending = Pending(token_urlsafe(32), token_urlsafe(32), token_urlsafe(48), target)
        try:
            with self._session() as session:
                where = self._metadata(session)["authorization_endpoint"]
                url, _state = session.create_authorization_url(
                    where, state=pending.state, nonce=pending.nonce, code_verifier=pending.verifier
                )
        except (OSError, KeyError, ValueError, TypeError) as error:
            raise self._away() from error
        return str(url), pending

    def finish(self, pending: Pending, code: str) -> OuterPerson:
        """Exchange the code and return whom the provider vouches for; no answer is trusted unchecked.

        ``Unauthenticated`` when the answer is not sound, ``Unavailable`` when there is none.
        """
        from authlib.common.errors import AuthlibBaseError  # type: ignore[import-untyped]
        from joserfc.errors import JoseError

        try:
            with self._session() as session:
                metadata = self._metadata(session)
                token = session.fetch_token(
                    metadata["token_endpoint"],
                    code=code,
                    code_verifier=pending.verifier,
                    allow_redirects=False,
                )
                keys = self._json(session, metadata["jwks_uri"])
                claims = self._claims(token, keys, pending.nonce)
                claims = self._with_email(session, metadata, claims)
        except (AuthlibBaseError, JoseError) as error:
            raise self._unsound() from error
        except OSError as error:
            raise self._away() from error
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise self._unsound() from error
        verified = claims.get("email_verified") is True
        return OuterPerson(self._settings.oidc_issuer, claims["sub"], str(claims.get("email", "")), verified)

    def _session(self) -> Any:
        from authlib.integrations.requests_client import OAuth2Session  # type: ignore[import-untyped]

        secret = self._settings.oidc_client_secret.get_secret_value()
        return OAuth2Session(
            self._settings.oidc_client_id,
            secret or None,
            scope="openid email",
            redirect_uri=self._callback,
            code_challenge_method="S256",
            default_timeout=SECONDS,
        )

    def _metadata(self, session: Any) -> dict[str, Any]:
        issuer = self._settings.oidc_issuer
        metadata = self._json(session, issuer.rstrip("/") + "/.well-known/openid-configuration")
        if metadata.get("issuer") != issuer:
            raise ValueError("the provider calls itself otherwise")
        return metadata

    def _json(self, session: Any, url: str) -> dict[str, Any]:
        answer = session.get(url, withhold_token=True, allow_redirects=False)
        answer.raise_for_status()
        content = answer.json()
        if not isinstance(content, dict):
            raise ValueError("the provider's answer is no object")
        return content

    def _claims(self, token: dict[str, Any], keys: Any, nonce: str) -> dict[str, Any]:
        """Return what the signed token says, after its signature, issuer, audience, times and nonce."""
        from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]
        from joserfc import jwt
        from joserfc.jwk import KeySet
        from joserfc.jws import JWSRegistry

        registry = JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)
        signed = jwt.decode(token["id_token"], KeySet.import_key_set(keys), registry=registry)
        client = self._settings.oidc_client_id
        wanted = {
            "iss": {"essential": True, "value": self._settings.oidc_issuer},
            "aud": {"essential": True, "value": client},
            "sub": {"essential": True},
            "exp": {"essential": True},
        }
        asked = {"nonce": nonce, "client_id": client, "access_token": token.get("access_token")}
        claims = CodeIDToken(signed.claims, signed.header, wanted, asked)
        claims.validate(leeway=LEEWAY)
        if not isinstance(claims["sub"], str) or not claims["sub"]:
            raise ValueError("the token names nobody")
        return dict(claims)

    def _with_email(self, session: Any, metadata: dict[str, Any], claims: dict[str, Any]) -> dict[str, Any]:
        """Ask for the e-mail address that the token does not hold; it must be of the same person."""
        if "email" in claims or "userinfo_endpoint" not in metadata:
            return claims
        answer = session.get(metadata["userinfo_endpoint"], allow_redirects=False)
        answer.raise_for_status()
        more = answer.json()
        if more.get("sub") != claims["sub"]:
            raise ValueError("the provider speaks of two persons")
        return claims | {name: more.get(name) for name in ("email", "email_verified")}

    def _away(self) -> Unavailable:
        text = _("{name} does not answer as it should.").format(name=self._settings.outer_name)
        return Unavailable(text, hint=_("Try again in a moment, or sign in with your password."))

    def _unsound(self) -> Unauthenticated:
        text = _("The answer of {name} cannot be trusted.").format(name=self._settings.outer_name)
        return Unauthenticated(text, hint=_("Please try again from the sign-in page."))
