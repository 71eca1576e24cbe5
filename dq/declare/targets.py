"""The kinds of targets a message can go to, and what each says of itself: the place to add a kind.

A target is named as a contact of the roster and holds no address that is a secret: those are read by the name of the
secret when a message is sent.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import Field

from dq.base.strict import Strict
from dq.people.roster_file import CONTACT

Name = Annotated[str, Field(pattern=CONTACT)]
Url = Annotated[str, Field(min_length=8, max_length=2_048)]
PAGERDUTY = "https://events.pagerduty.com/v2/enqueue"


class Keys(StrEnum):
    """By what a kind of target knows the incidents it was told of."""

    OWN = "own"
    """A key of its own for each, under which it is resolved: each is a message by itself."""
    LABELS = "labels"
    """The labels of each alert, whatever it comes with."""
    SHARED = "shared"
    """No key: what goes together is one message."""


class Reports(StrEnum):
    """How a kind of target is sent a document."""

    PAGE = "page"
    LINK = "link"
    """Its link and not the page: without a public address of the data docs it gets nothing."""
    NONE = "none"
    """Not at all: it takes alerts alone."""


class Addressed(Strict):
    """What every kind of target says of itself; the rest of telling asks for these, never for a kind."""

    machine: ClassVar[bool]
    """Whether it is told at once that something is over, whoever watched it: nobody is disturbed."""
    keys: ClassVar[Keys]
    reports: ClassVar[Reports]
    through_relay: ClassVar[bool] = False
    """Whether messages go through ``notify.smtp``."""

    @classmethod
    def name_of_kind(cls) -> str:
        """The word under ``kind``."""
        (word,) = get_args(cls.model_fields["kind"].annotation)
        return str(word)

    @property
    def address(self) -> str | None:
        """The address it has in the settings, None where that is a secret."""
        return getattr(self, "url", None)

    def secrets(self, contact: str) -> list[str]:
        """The names of the secrets that a message to it needs; its own stands under the contact's name by default."""
        fields = type(self).model_fields
        own = [getattr(self, "secret") or contact] if "secret" in fields else []  # noqa: B009 - not every kind has one
        return own + ([token] if (token := getattr(self, "token", None)) else [])


class PagerDuty(Addressed):
    """A PagerDuty service; the secret is its routing key."""

    machine, keys, reports = True, Keys.OWN, Reports.NONE
    kind: Literal["pagerduty"]
    secret: Name | None = None
    url: Url = PAGERDUTY


class Slack(Addressed):
    """A Slack channel; the secret is the address of its incoming webhook."""

    machine, keys, reports = False, Keys.SHARED, Reports.LINK
    kind: Literal["slack"]
    secret: Name | None = None


class Alertmanager(Addressed):
    """An Alertmanager at an address; where it asks for one, ``token`` names the secret with the bearer token.

    It keeps nothing over a restart: ``dq deliver`` gives it again what still fires once ``repeat_minutes`` are over.
    """

    machine, keys, reports = True, Keys.LABELS, Reports.NONE
    kind: Literal["alertmanager"]
    url: Url
    token: Name | None = None
    repeat_minutes: Annotated[int, Field(ge=1, le=24 * 60)] = 4


class Webhook(Addressed):
    """Whatever takes Alertmanager's webhook envelope; the secret is its address."""

    machine, keys, reports = True, Keys.LABELS, Reports.LINK
    kind: Literal["webhook"]
    secret: Name | None = None
    token: Name | None = None


class Mail(Addressed):
    """A mailbox or list; the secret is its address."""

    machine, keys, reports, through_relay = False, Keys.SHARED, Reports.PAGE, True
    kind: Literal["email"]
    secret: Name | None = None


Target = Annotated[PagerDuty | Slack | Alertmanager | Webhook | Mail, Field(discriminator="kind")]
KINDS: tuple[type[Addressed], ...] = get_args(get_args(Target)[0])
"""The models of all kinds."""
