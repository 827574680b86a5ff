"""Signing in, sessions, and one's own data as they come in and go out."""

from marshmallow import fields

from api.core.i18n import LANGUAGES
from api.core.schemas import Boolean, Enum, Identifier, Schema, String, Time
from api.org.models import BRANCH_KINDS
from api.org.rules import MAX_CHARACTERS, MIN_CHARACTERS
from api.org.schemas.fields import Name

TOKEN_CHARACTERS = 16_000


class SignInIn(Schema):
    """`device`: what an earlier sign-in on this device gave; so nobody's wrong guesses elsewhere
    slow this device down.  `new_password`: with a password that is good once."""

    company = String(low=1, high=20, required=True)
    number = String(low=1, high=40, required=True)
    password = String(low=1, high=MAX_CHARACTERS, required=True, load_only=True)
    new_password = String(
        low=MIN_CHARACTERS, high=MAX_CHARACTERS, load_default=None, allow_none=True, load_only=True
    )
    device = String(high=TOKEN_CHARACTERS, load_default=None, allow_none=True)


class TokensOut(Schema):
    access_token = fields.String(required=True)
    refresh_token = fields.String(required=True)
    expires_in_s = fields.Integer(required=True)
    member_id = Identifier(required=True)


class SignInOut(TokensOut):
    device = fields.String(required=True)


class RefreshIn(Schema):
    refresh_token = String(low=1, high=TOKEN_CHARACTERS, required=True, load_only=True)


class PasswordIn(Schema):
    password = String(low=1, high=MAX_CHARACTERS, required=True, load_only=True)
    new_password = String(low=MIN_CHARACTERS, high=MAX_CHARACTERS, required=True, load_only=True)


class SessionOut(Schema):
    id = Identifier(required=True)
    agent = fields.String(required=True)
    created_at = Time(required=True)
    used_at = Time(required=True)
    expires_at = Time(required=True)
    present = fields.Boolean(required=True)


class SessionsOut(Schema):
    items = fields.List(fields.Nested(SessionOut), required=True)


class CompanyOut(Schema):
    id = Identifier(required=True)
    code = fields.String(required=True, allow_none=True)
    name = fields.String(required=True)


class NamedOut(Schema):
    id = Identifier(required=True)
    name = fields.String(required=True)


class OwnBranchOut(NamedOut):
    kind = Enum(*BRANCH_KINDS, required=True)


class OwnRoleOut(Schema):
    role = fields.String(required=True)
    unit_id = Identifier(required=True, allow_none=True)
    body_id = Identifier(required=True, allow_none=True)
    branch_id = Identifier(required=True, allow_none=True)
    until_at = Time(required=True, allow_none=True)


class MeOut(Schema):
    id = Identifier(required=True)
    number = fields.String(required=True)
    name = fields.String(required=True)
    nickname = fields.String(required=True, allow_none=True)
    company = fields.Nested(CompanyOut, required=True)
    unit = fields.Nested(NamedOut, required=True)
    branches = fields.List(fields.Nested(OwnBranchOut), required=True)
    roles = fields.List(fields.Nested(OwnRoleOut), required=True)
    language = Enum(*LANGUAGES, required=True)
    on_boards = fields.Boolean(required=True)
    version = fields.Integer(required=True)


class MePatch(Schema):
    """`on_boards` false: others see an anonymous row; points and prizes stay."""

    language = Enum(*LANGUAGES)
    on_boards = Boolean()
    nickname = Name(low=1, high=40, allow_none=True)
