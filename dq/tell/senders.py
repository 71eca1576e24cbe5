"""From a message to its target: its format, its secret, one attempt. Reasons name origins, never addresses."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dq.base import clean
from dq.base.errors import DqError
from dq.base.model import Json
from dq.base.secret import secret
from dq.declare import routes, targets
from dq.tell import web
from dq.tell.formats import alertmanager, mail, pagerduty, slack
from dq.tell.message import Message, Report
from dq.tell.outbox import Delivery
from dq.tell.redact import redacted

_ADDRESS = re.compile(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+")
_DOCUMENT = 5_000_000


@dataclass(frozen=True, kw_only=True)
class Sent:
    """How one attempt ended."""

    outcome: Delivery
    reason: str = ""
    retry_after: str | None = None
    # What went wrong lies with us, such as a secret that is missing: it says nothing of the target.
    ours: bool = False


Sender = Callable[[Message, datetime], Sent]


def sender(notify: routes.Notify) -> Sender:
    """What sends messages by the settings; whatever goes wrong is an outcome, never an exception."""

    def send(message: Message, now: datetime) -> Sent:
        target = notify.targets.get(message.contact)
        if target is None:
            return Sent(outcome=Delivery.FAILED, reason="it has no target in the settings any more", ours=True)
        try:
            return _judged(_send(message, target, notify, now))
        except web.UnreachableError as failure:
            return Sent(outcome=Delivery.FAILED, reason=redacted(str(failure)))
        except DqError as failure:
            return Sent(outcome=Delivery.FAILED, reason=redacted(str(failure)), ours=True)
        except Exception as failure:  # its text may quote an address
            return Sent(outcome=Delivery.FAILED, reason=f"it could not be sent ({type(failure).__name__})")

    return send


def without_secrets(notify: routes.Notify) -> dict[str, str]:
    """The targets that could not be sent anything for want of a secret, each with what is wrong with it."""
    lacking = {}
    for contact, target in notify.targets.items():
        names = target.secrets(contact)
        if target.through_relay and notify.smtp is not None:
            names += [name for name in (notify.smtp.user, notify.smtp.password) if name]
        try:
            for name in names:
                secret(name)
        except DqError as failure:
            lacking[contact] = str(failure)
    return lacking


def origin_of(notify: routes.Notify, contact: str) -> str:
    """What messages to a contact share when it is down: the relay, the address, else the target itself."""
    target = notify.targets.get(contact)
    if target is not None and target.through_relay:
        return "relay"
    return (target.address if target else None) or contact


def _judged(answer: web.Answer) -> Sent:
    """2xx is sent, 429 and 5xx are tried again, everything else is final; a redirect is never followed."""
    if 200 <= answer.status < 300:
        return Sent(outcome=Delivery.SENT)
    if answer.status in (408, 429) or answer.status >= 500:
        return Sent(
            outcome=Delivery.FAILED, reason=f"the target answered {answer.status}", retry_after=answer.retry_after
        )
    what = "redirects elsewhere, which is not followed" if 300 <= answer.status < 400 else "refused it"
    return Sent(outcome=Delivery.REFUSED, reason=f"the target {what} ({answer.status})")


def _send(message: Message, target: targets.Target, notify: routes.Notify, now: datetime) -> web.Answer:
    name = message.contact
    if message.report is not None and target.reports is targets.Reports.NONE:
        kinds = ", ".join(one.name_of_kind() for one in targets.KINDS if one.reports is not targets.Reports.NONE)
        raise DqError(f"a target of kind {target.kind} carries no report", do=f"name one of kind {kinds} under reports")
    if message.report is not None and target.reports is targets.Reports.LINK and not clean.link(message.report.link):
        raise DqError(
            f"a target of kind {target.kind} is sent the link of a report, and this one has none",
            do="set docs_address in the settings and run again, or name a target of kind email under reports",
        )

    def post(url: str, body: Json, headers: Mapping[str, str] | None = None) -> web.Answer:
        content = json.dumps(body, allow_nan=False).encode()
        return web.post(url, content, headers or {}, allowed=notify.allowed, seconds=notify.timeout_seconds)

    match target:
        case targets.PagerDuty():
            return post(target.url, pagerduty.event(message, secret(target.secret or name).get_secret_value()))
        case targets.Slack():
            return post(secret(target.secret or name).get_secret_value(), slack.payload(message))
        case targets.Alertmanager():
            url = f"{target.url.rstrip('/').removesuffix('/api/v2/alerts')}/api/v2/alerts"
            return post(url, alertmanager.alerts(message), _bearer(target.token))
        case targets.Webhook():
            url = secret(target.secret or name).get_secret_value()
            return post(url, alertmanager.envelope(message), _bearer(target.token))
        case targets.Mail():
            return _mail(message, target, notify, now)


def _bearer(token: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret(token).get_secret_value()}"} if token else {}


def _mail(message: Message, target: targets.Mail, notify: routes.Notify, now: datetime) -> web.Answer:
    from dq.tell import smtp as relay

    name = target.secret or message.contact
    to = secret(name).get_secret_value()
    if not _ADDRESS.fullmatch(to):
        raise DqError(f"the secret {name} is not an e-mail address")
    if notify.smtp is None:
        raise DqError("e-mail needs a relay", where="jobs/settings.yml", do="add notify.smtp")
    parts = _document(message.report) if message.report else None
    told = mail.mail(message, sender=notify.smtp.sender, to=to, at=now, parts=parts)
    return relay.send(told, notify.smtp, allowed=notify.allowed, seconds=notify.timeout_seconds)


def _document(report: Report) -> tuple[str, str]:
    """The text and HTML part of a report; it must be what was published."""
    try:
        with Path(report.file).open("rb") as file:
            html = file.read(_DOCUMENT + 1)
        text = Path(report.text_file).read_text(encoding="utf-8")
    except OSError as error:
        raise DqError(f"the document cannot be read: {error.strerror}", where=report.file) from None
    if len(html) > _DOCUMENT or hashlib.sha256(html).hexdigest() != report.sha256:
        raise DqError("the document is not the one that was published", where=report.file, do="run the pipeline again")
    link = f"\n{report.link}\n" if report.link else ""
    return f"{report.summary}\n{link}\n{text}", html.decode("utf-8")
