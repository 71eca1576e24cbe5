"""E-mail through the house's relay: STARTTLS unless the settings say otherwise, one total deadline."""

from __future__ import annotations

import smtplib
import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from email.message import EmailMessage

from dq.base.secret import secret
from dq.declare.origins import Origin, Origins
from dq.declare.routes import Smtp
from dq.tell.web import Answer, UnreachableError, within

_TEMPORARY, _PERMANENT = 503, 400


class _Checked(smtplib.SMTP):
    """A client that connects to checked addresses only, while certificates are held against the relay's name."""

    def __init__(self, origin: Origin, addresses: Sequence[str], seconds: float, opened: list[socket.socket]) -> None:
        self.deadline = time.monotonic() + seconds
        self.addresses = addresses
        self.opened = opened
        # The one deadline is that of the whole talk; a byte may take a little longer than that.
        super().__init__(origin.name, origin.port, local_hostname=socket.gethostname(), timeout=seconds + 1)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # noqa: ARG002 - as the base names them
        error: OSError = OSError("no address")
        for address in self.addresses:
            remaining = max(0.01, self.deadline - time.monotonic())
            try:
                self.opened.append(socket.create_connection((address, port), remaining))
            except OSError as failed:
                error = failed
                continue
            self.opened[-1].settimeout(timeout)
            return self.opened[-1]
        raise error


class _CheckedTls(_Checked):
    """The same over a connection that is TLS from its first byte."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain = super()._get_socket(host, port, timeout)
        self.opened.append(ssl.create_default_context().wrap_socket(plain, server_hostname=host))
        return self.opened[-1]


def send(message: EmailMessage, smtp: Smtp, *, allowed: Origins, seconds: float) -> Answer:
    """Hand a message to the relay; the answer is told in HTTP's terms: 2xx taken, 4xx refused for good, 5xx not now."""
    origin = Origin(scheme="smtp", host=smtp.host, port=smtp.port)
    login = (secret(smtp.user), secret(smtp.password)) if smtp.user and smtp.password else None
    opened: list[socket.socket] = []
    taken: list[bool] = []

    def talk() -> Answer:
        kind = _CheckedTls if smtp.security == "tls" else _Checked
        client = kind(origin, allowed.addresses(origin), seconds, opened)
        try:
            if smtp.security == "starttls":
                client.starttls(context=ssl.create_default_context())
            if login is not None:
                client.login(*(one.get_secret_value() for one in login))
            client.send_message(message)
            taken.append(True)
        finally:
            with suppress(OSError, smtplib.SMTPException):
                client.quit()
        return Answer(status=250)

    def abandon() -> None:
        for one in opened:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    try:
        return within(seconds, talk, abandon)
    except smtplib.SMTPRecipientsRefused as refused:
        codes = [code for code, _ in refused.recipients.values()]
        return Answer(status=_PERMANENT if codes and min(codes) >= 500 else _TEMPORARY)
    except smtplib.SMTPNotSupportedError:
        raise UnreachableError(f"{origin} does not offer what the settings ask for ({smtp.security})") from None
    except smtplib.SMTPResponseException as refused:
        return Answer(status=_PERMANENT if refused.smtp_code >= 500 else _TEMPORARY)
    except TimeoutError:
        if taken:  # it has the mail, and is slow to say good-bye
            return Answer(status=250)
        raise UnreachableError(f"{origin} did not answer within {seconds:g} s") from None
    except ssl.SSLError:
        raise UnreachableError(f"{origin} could not be reached (TLS failed)") from None
    except (OSError, smtplib.SMTPException) as error:
        raise UnreachableError(f"{origin} could not be reached ({type(error).__name__})") from None
