"""E-mail against a relay that accepts, refuses, hangs and offers no TLS."""

from __future__ import annotations

import hashlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from message_support import REPORT, certificate, told
from notify_support import at

from dq.declare.routes import Notify
from dq.tell import senders
from dq.tell.message import Report
from dq.tell.outbox import Delivery

__all__ = ["certificate"]
NOW = at("2026-11-25 13:00")
CANARY = "canary0123456789"


@dataclass
class Relay:
    """A small SMTP server: what it heard, and which replies it gives in place of the usual ones."""

    tls: ssl.SSLContext | None = None
    at_once: bool = False
    replies: dict[str, str] = field(default_factory=dict)
    heard: list[str] = field(default_factory=list)
    mails: list[str] = field(default_factory=list)
    under_tls: list[bool] = field(default_factory=list)
    port: int = 0
    silent: tuple[str, ...] = ()

    def talk(self, connection: socket.socket) -> None:
        if self.at_once and self.tls:
            with self.tls.wrap_socket(connection, server_side=True) as secure:
                self.hold(secure, secured=True)
        else:
            self.hold(connection, secured=False)

    def hold(self, connection: socket.socket, *, secured: bool) -> None:
        file = connection.makefile("rwb")

        def say(line: str) -> None:
            file.write(f"{line}\r\n".encode())
            file.flush()

        if not secured or self.at_once:
            say(self.replies.get("banner", "220 relay"))
        while line := file.readline().decode().strip():
            self.heard.append(line)
            word = line.split()[0].upper()
            if word in self.silent:
                time.sleep(3)
                return
            if word in self.replies:
                say(self.replies[word])
                continue
            if word == "EHLO":
                offers = ["relay", *(["STARTTLS"] if self.tls and not secured else []), "AUTH PLAIN"]
                for offer in offers[:-1]:
                    say(f"250-{offer}")
                say(f"250 {offers[-1]}")
            elif word == "STARTTLS" and self.tls:
                say("220 go")
                with self.tls.wrap_socket(connection, server_side=True) as secure:
                    self.hold(secure, secured=True)
                return
            elif word == "DATA":
                say("354 go on")
                lines = []
                while (part := file.readline().decode().rstrip("\r\n")) != ".":
                    lines.append(part)
                self.mails.append("\n".join(lines))
                self.under_tls.append(secured)
                say(self.replies.get("after", "250 taken"))
            elif word == "QUIT":
                say("221 bye")
                return
            else:
                say("235 ok" if word == "AUTH" else "250 ok")


@contextmanager
def relaying(relay: Relay, talk: Callable[[socket.socket], None] | None = None) -> Iterator[Relay]:
    listener = socket.create_server(("127.0.0.1", 0))
    relay.port = listener.getsockname()[1]

    def work() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, suppress(OSError, ValueError):
                connection.settimeout(5)
                (talk or relay.talk)(connection)

    threading.Thread(target=work, daemon=True).start()
    try:
        yield relay
    finally:
        listener.close()


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DQ_SECRET_TEAM_MAIL", "team@example.com")
    monkeypatch.setenv("DQ_SECRET_RELAY_USER", "dq")
    monkeypatch.setenv("DQ_SECRET_RELAY_PASSWORD", CANARY)


@pytest.fixture
def context(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(*certificate)
    return made


def send(relay: Relay, message: Any = None, seconds: float = 10, **smtp: Any) -> senders.Sent:
    values = {"host": "localhost", "port": relay.port, "sender": "dq@example.com", **smtp}
    notify = Notify(
        targets={"team-mail": {"kind": "email"}},
        smtp=values,
        internal_origins=[f"smtp://localhost:{relay.port}"],
    ).model_copy(update={"timeout_seconds": seconds})
    return senders.sender(notify)(message or told(contact="team-mail", kind="email"), NOW)


def test_an_email_goes_under_starttls_with_the_password(context: ssl.SSLContext) -> None:
    with relaying(Relay(tls=context)) as relay:
        ended = send(relay, user="relay-user", password="relay-password")
    assert (ended.outcome, relay.under_tls) == (Delivery.SENT, [True])
    assert "rcpt TO:<team@example.com>" in relay.heard
    assert relay.heard.index("STARTTLS") < next(n for n, line in enumerate(relay.heard) if line.startswith("AUTH"))
    assert "Subject: CRITICAL  investor_profit 2026-11: check_1 failed" in relay.mails[0]


def test_a_connection_may_be_tls_from_the_beginning(context: ssl.SSLContext) -> None:
    with relaying(Relay(tls=context, at_once=True)) as relay:
        assert send(relay, security="tls").outcome is Delivery.SENT
    assert relay.under_tls == [True]


def test_a_relay_without_starttls_is_told_nothing() -> None:
    with relaying(Relay()) as relay:
        ended = send(relay, user="relay-user", password="relay-password")
    assert (ended.outcome, relay.mails) == (Delivery.FAILED, [])
    assert ended.reason == f"smtp://localhost:{relay.port} does not offer what the settings ask for (starttls)"
    assert not any(line.startswith(("AUTH", "mail")) for line in relay.heard)


def test_a_relay_whose_certificate_is_not_trusted_is_told_nothing(
    context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with relaying(Relay(tls=context)) as relay:
        ended = send(relay)
    assert (ended.outcome, relay.mails) == (Delivery.FAILED, [])
    assert "TLS failed" in ended.reason


def test_an_internal_relay_may_be_spoken_to_in_the_clear() -> None:
    with relaying(Relay()) as relay:
        assert send(relay, security="none").outcome is Delivery.SENT
    assert relay.under_tls == [False]


@pytest.mark.parametrize(
    ("word", "reply", "outcome"),
    [
        ("banner", "421 too busy", Delivery.FAILED),
        ("banner", "554 go away", Delivery.REFUSED),
        ("RCPT", "450 greylisted", Delivery.FAILED),
        ("RCPT", "550 no such team@example.com", Delivery.REFUSED),
        ("MAIL", "451 later", Delivery.FAILED),
        ("DATA", "554 no", Delivery.REFUSED),
        ("after", "451 disk full", Delivery.FAILED),
        ("after", "552 too large", Delivery.REFUSED),
    ],
)
def test_what_the_relay_puts_off_is_tried_again_and_what_it_refuses_is_not(
    word: str, reply: str, outcome: Delivery
) -> None:
    with relaying(Relay(replies={word: reply})) as relay:
        ended = send(relay, security="none")
    assert ended.outcome is outcome
    assert "team@example.com" not in ended.reason, "an address is a secret"


def drip(connection: socket.socket) -> None:
    with suppress(OSError):
        for _ in range(100):
            connection.sendall(b"2")
            time.sleep(0.05)


@pytest.mark.parametrize("talk", [lambda connection: connection.recv(1), drip], ids=["hangs", "drips"])
def test_a_relay_that_does_not_answer_costs_no_more_than_the_deadline(talk: Callable[[socket.socket], None]) -> None:
    began = time.monotonic()
    with relaying(Relay(), talk) as relay:
        ended = send(relay, seconds=0.4)
    assert (ended.outcome, time.monotonic() - began < 3) == (Delivery.FAILED, True)
    assert "did not answer within 0.4 s" in ended.reason


def test_a_mail_that_was_taken_is_sent_though_the_relay_never_says_good_bye() -> None:
    with relaying(Relay(silent=("QUIT",))) as relay:
        ended = send(relay, security="none", seconds=0.5)
    assert (ended.outcome, len(relay.mails)) == (Delivery.SENT, 1)


def test_a_relay_that_is_not_listed_is_not_asked() -> None:
    notify = Notify(
        targets={"team-mail": {"kind": "email"}},
        smtp={"host": "localhost", "port": 9, "sender": "dq@example.com"},
    )
    ended = senders.sender(notify)(told(contact="team-mail"), NOW)
    assert (ended.outcome, "smtp://localhost:9 is not listed" in ended.reason) == (Delivery.FAILED, True)


@pytest.mark.parametrize("address", ["nobody", "a@b, c@d", "a@b\nBcc: c@d", "Team <a@b>"])
def test_an_address_that_is_none_is_refused_and_not_quoted(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DQ_SECRET_TEAM_MAIL", address)
    with relaying(Relay()) as relay:
        ended = send(relay, security="none")
    assert (ended.outcome, address in ended.reason, relay.heard) == (Delivery.FAILED, False, [])


def report(folder: Path, html: str = "<!doctype html><b>1,204.50 USD</b>") -> Report:
    page = folder / "report.html"
    page.write_text(html)
    page.with_suffix(".md").write_text("profit 1,204.50 USD")
    values = {**vars(REPORT), "file": str(page), "text_file": str(page.with_suffix(".md"))}
    return Report(**{**values, "sha256": hashlib.sha256(html.encode()).hexdigest()})


def test_a_report_goes_out_with_its_page_its_text_and_its_link(tmp_path: Path) -> None:
    message = told(contact="team-mail", kind="email", alerts=(), report=report(tmp_path))
    with relaying(Relay()) as relay:
        assert send(relay, message, security="none").outcome is Delivery.SENT
    for part in ("<b>1,204.50 USD</b>", "profit 1,204.50 USD", REPORT.link):
        assert part in relay.mails[0]


def test_a_report_that_is_not_what_was_published_stays(tmp_path: Path) -> None:
    message = told(contact="team-mail", kind="email", alerts=(), report=report(tmp_path))
    (tmp_path / "report.html").write_text("<b>1,204,999.50 USD</b>")
    with relaying(Relay()) as relay:
        ended = send(relay, message, security="none")
    assert (ended.outcome, relay.mails) == (Delivery.FAILED, [])
    assert "not the one that was published" in ended.reason
