"""The HTML of sign-in and set-up: plain forms that work without any script."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from string import Template
from urllib.parse import urlencode

from starlette.responses import HTMLResponse

from imgcore.api.plain_pages import Shell
from imgcore.errors import ImgcoreError, TooManyTries
from imgcore.texts import _

_SHELL = Shell("auth_pages.css")
_FIELD = Template(
    '<div><label for="$name">$label</label>'
    '<input id="$name" name="$name" type="$kind" value="$value" autocomplete="$autocomplete"$more>$hint</div>'
)


@dataclass(frozen=True)
class Field:
    """One input with its label; ``autocomplete`` is the word that password managers go by."""

    name: str
    label: str
    autocomplete: str
    kind: str = "text"
    value: str = ""
    hint: str = ""
    wrong: bool = False
    focus: bool = False
    readonly: bool = False
    min_length: int = 0
    max_length: int = 255

    def html(self) -> str:
        """Return the label and the input."""
        hint = f'<p class="hint" id="{self.name}-hint">{escape(self.hint)}</p>' if self.hint else ""
        flags = {
            " required": not self.readonly,
            " readonly": self.readonly,
            " autofocus": self.focus,
            ' aria-invalid="true" aria-errormessage="problem"': self.wrong,
            f' minlength="{self.min_length}"': self.min_length > 0,
            f' aria-describedby="{self.name}-hint"': bool(hint),
            f' maxlength="{self.max_length}"': not self.readonly,
            ' autocapitalize="none" spellcheck="false"': self.kind == "email",
        }
        return _FIELD.substitute(
            name=self.name,
            label=escape(self.label),
            kind=self.kind,
            value=escape(self.value),
            autocomplete=self.autocomplete,
            more="".join(text for text, wanted in flags.items() if wanted),
            hint=hint,
        )


@dataclass(frozen=True)
class Form:
    """A page with one form; ``hidden`` are values that come back with it.

    ``links`` are other ways on, each a path and what stands on its button.
    """

    title: str
    lead: str
    fields: tuple[Field, ...]
    button: str
    action: str
    hidden: tuple[tuple[str, str], ...] = ()
    below: str = ""
    notice: str = ""
    links: tuple[tuple[str, str], ...] = ()

    def answer(self, error: ImgcoreError | None = None, status: int = 200) -> HTMLResponse:
        """Return the page, with what was wrong above the fields."""
        parts = [
            f'<p class="quiet">{escape(self.lead)}</p>' if self.lead else "",
            f'<form method="post" action="{escape(self.action)}">',
            _problem(error) if error else _notice(self.notice),
            *(f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in self.hidden),
            *(field.html() for field in self.fields),
            f"<button>{escape(self.button)}</button></form>",
            *(
                f'<a class="button other" href="{escape(path)}">{escape(label)}</a>'
                for path, label in self.links
            ),
            f'<p class="below">{escape(self.below)}</p>' if self.below else "",
        ]
        page = _page(self.title, "\n".join(parts), status)
        if isinstance(error, TooManyTries):
            page.headers["Retry-After"] = str(error.retry_after)
        return page


def message(title: str, text: str, link: str, label: str, status: int) -> HTMLResponse:
    """Return a page that says one thing and leads on."""
    body = f'<p>{escape(text)}</p><a class="button" href="{escape(link)}">{escape(label)}</a>'
    return _page(title, body, status)


def sign_in_form(
    next_path: str, email: str = "", *, failed: bool = False, signed_out: bool = False, outer: str = ""
) -> Form:
    """Return the sign-in page; after a wrong password the address stays and the password is asked again.

    ``outer`` is the name of the outer sign-in, if there is one.
    """
    return Form(
        title=_("Sign in"),
        lead="",
        fields=(
            Field("email", _("E-mail"), "username", "email", email, wrong=failed, focus=not email),
            Field("password", _("Password"), "current-password", "password", wrong=failed, focus=bool(email)),
        ),
        button=_("Sign in"),
        action="/auth/login",
        hidden=(("next", next_path),),
        below=_("Forgotten your password? An administrator of your clinic can give you a new link."),
        notice=_("You are signed out.") if signed_out else "",
        links=_outer_link(next_path, outer),
    )


def unlock_form(name: str, next_path: str, outer: str = "") -> Form:
    """Return the page that asks for the password of who was here before it goes on."""
    return Form(
        title=_("Imgcore is locked"),
        lead=_("Signed in as {name}. Type your password to go on.").format(name=name),
        fields=(Field("password", _("Password"), "current-password", "password", focus=True),),
        button=_("Unlock"),
        action="/auth/unlock",
        hidden=(("next", next_path),),
        links=(*_outer_link(next_path, outer), ("/auth/logout", _("Sign out"))),
    )


def password_form(email: str, min_length: int) -> Form:
    """Return the page on which a person changes their own password."""
    current = Field(
        "current", _("Current password"), "current-password", "password", focus=True, max_length=1000
    )
    return Form(
        title=_("Change password"),
        lead=_("Every other browser is signed out, and your tokens stop working."),
        fields=(
            Field("email", _("E-mail"), "username", "email", email, readonly=True),
            current,
            *_new_password(min_length, label=_("New password")),
        ),
        button=_("Change password"),
        action="/auth/password",
        links=(("/account", _("Cancel")),),
    )


def _outer_link(next_path: str, outer: str) -> tuple[tuple[str, str], ...]:
    path = f"/auth/oidc?{urlencode({'next': next_path})}"
    return ((path, _("Sign in with {name}").format(name=outer)),) if outer else ()


def set_up_form(name: str, email: str, min_length: int, *, asks_code: bool) -> Form:
    """Return the set-up page, which makes the first administrator."""
    code = Field(
        "code",
        _("One-time code"),
        "one-time-code",
        hint=_("It is shown on the console where Imgcore was started."),
        focus=True,
    )
    return Form(
        title=_("Set up Imgcore"),
        lead=_("Create the first administrator. You can invite the others afterwards."),
        fields=(
            *((code,) if asks_code else ()),
            Field("name", _("Your name"), "name", value=name, focus=not asks_code),
            Field("email", _("E-mail"), "username", "email", email),
            *_new_password(min_length),
        ),
        button=_("Create administrator"),
        action="/auth/setup",
    )


def link_form(token: str, email: str, min_length: int) -> Form:
    """Return the page of a one-time link, where a person chooses a password."""
    return Form(
        title=_("Choose a password"),
        lead=_("You are signed in with it at once, and signed out everywhere else."),
        fields=(
            Field("email", _("E-mail"), "username", "email", email, readonly=True),
            *_new_password(min_length, focus=True),
        ),
        button=_("Save password"),
        action=f"/auth/link/{token}",
    )


def sign_out_form(name: str) -> Form:
    """Return the page that asks once more before signing out."""
    return Form(
        title=_("Sign out?"),
        lead=_("You are signed in as {name}. Every open tab will be signed out.").format(name=name),
        fields=(),
        button=_("Sign out"),
        action="/auth/logout",
    )


def _new_password(min_length: int, *, focus: bool = False, label: str = "") -> tuple[Field, Field]:
    hint = _("At least {count} characters; a few words will do.").format(count=min_length)
    first = Field(
        "password",
        label or _("Password"),
        "new-password",
        "password",
        hint=hint,
        focus=focus,
        min_length=min_length,
        max_length=200,
    )
    again = Field("again", _("The same password again"), "new-password", "password", max_length=200)
    return first, again


def _problem(error: ImgcoreError) -> str:
    hint = f" {escape(error.hint)}" if error.hint else ""
    return f'<p class="problem" id="problem" role="alert"><b>{escape(error.message)}</b>{hint}</p>'


def _notice(text: str) -> str:
    return f'<p class="notice" role="status">{escape(text)}</p>' if text else ""


def _page(title: str, body: str, status: int) -> HTMLResponse:
    return _SHELL.page(title, f"<h1>{escape(title)}</h1>\n{body}", status)
