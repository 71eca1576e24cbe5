"""Sending over HTTP against a server that misbehaves in every way, and never to where the settings do not allow."""

from __future__ import annotations

import ipaddress
import json
import logging
import socket
import ssl
import time
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from message_support import certificate, told
from notify_support import Behaviour, answer, at, drip, endless, every_contact, hang, house, reset, serving
from store_support import quick_disk

from dq.base import secret
from dq.declare import origins
from dq.declare.routes import Notify
from dq.declare.targets import KINDS, Addressed
from dq.store import Warehouse
from dq.tell import retry, senders, web
from dq.tell.message import State
from dq.tell.outbox import Delivery, Outbox

__all__ = ["certificate", "quick_disk"]
pytestmark = pytest.mark.usefixtures("quick_disk")
NOW = at("2026-11-25 13:00")
CANARY = "canary0123456789abcdef0123456789"


def notify(origin: str, **changes: Any) -> Notify:
    values: dict[str, Any] = {
        "internal_origins": [origin],
        "targets": {"team-hook": {"kind": "webhook"}, "alerts": {"kind": "alertmanager", "url": f"{origin}/am"}},
        "timeout_seconds": 10,
    }
    return Notify(**{**values, **changes})


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets the address of the webhook, which is a secret."""
    return lambda url: monkeypatch.setenv("DQ_SECRET_TEAM_HOOK", url)


# -- what a server may answer ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("200 OK", Delivery.SENT),
        ("202 Accepted", Delivery.SENT),
        ("204 No Content", Delivery.SENT),
        ("301 Moved", Delivery.REFUSED),
        ("302 Found", Delivery.REFUSED),
        ("307 Temporary", Delivery.REFUSED),
        ("308 Permanent", Delivery.REFUSED),
        ("400 Bad Request", Delivery.REFUSED),
        ("401 Unauthorized", Delivery.REFUSED),
        ("403 Forbidden", Delivery.REFUSED),
        ("404 Not Found", Delivery.REFUSED),
        ("410 Gone", Delivery.REFUSED),
        ("408 Timeout", Delivery.FAILED),
        ("429 Too Many", Delivery.FAILED),
        ("500 Error", Delivery.FAILED),
        ("503 Unavailable", Delivery.FAILED),
    ],
)
def test_429_and_5xx_are_tried_again_and_every_other_refusal_is_final(
    status: str, outcome: Delivery, hook: Any
) -> None:
    with serving(answer(status, "Location: http://127.0.0.1:1/elsewhere")) as server:
        hook(f"{server.origin}/x")
        ended = senders.sender(notify(server.origin))(told(contact="team-hook"), NOW)
    assert ended.outcome is outcome
    assert len(server.requests) == 1, "a redirect is not followed"


def test_what_arrives_is_the_envelope(hook: Any) -> None:
    with serving(answer("200 OK")) as server:
        hook(f"{server.origin}/services/T1?x=1")
        senders.sender(notify(server.origin))(told(contact="team-hook"), NOW)
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /services/T1?x=1 HTTP/1.1\r\n")
    assert f"host: 127.0.0.1:{server.port}".encode() in head.lower()
    assert json.loads(body)["version"] == "4"


def test_alertmanager_is_sent_to_its_api_with_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DQ_SECRET_AM_TOKEN", "t0ken")
    with serving(answer("200 OK")) as server:
        targets = {"alerts": {"kind": "alertmanager", "url": f"{server.origin}/am/", "token": "am-token"}}
        senders.sender(notify(server.origin, targets=targets))(told(contact="alerts"), NOW)
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /am/api/v2/alerts HTTP/1.1")
    assert b"authorization: bearer t0ken" in head.lower()
    assert isinstance(json.loads(body), list)


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [(hang, "did not answer within 0.4 s"), (drip, "did not answer within 0.4 s"), (reset, "could not be reached")],
    ids=["hangs", "drips", "resets"],
)
def test_a_server_that_does_not_answer_costs_no_more_than_the_deadline(behaviour: Behaviour, said: str) -> None:
    with serving(behaviour) as server:
        allowed = notify(server.origin).allowed
        began = time.monotonic()
        with pytest.raises(web.UnreachableError, match=said):
            web.post(f"{server.origin}/x", b"{}", {}, allowed=allowed, seconds=0.4)
    assert time.monotonic() - began < 3


def test_an_answer_without_an_end_is_not_read() -> None:
    with serving(endless) as server:
        found = web.post(f"{server.origin}/x", b"{}", {}, allowed=notify(server.origin).allowed, seconds=10)
    assert found.status == 200


def test_nobody_listening_is_told_in_a_sentence(hook: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
    hook(f"{origin}/{CANARY}")
    ended = senders.sender(notify(origin))(told(contact="team-hook"), NOW)
    assert (ended.outcome, ended.reason) == (
        Delivery.FAILED,
        f"{origin} could not be reached (connection refused)",
    )


def test_a_name_that_is_not_found_is_told_by_its_host_alone(hook: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    hook(f"http://relay.internal/{CANARY}")
    ended = senders.sender(notify("http://relay.internal"))(told(contact="team-hook"), NOW)
    assert (ended.outcome, ended.reason) == (Delivery.FAILED, "relay.internal has no address")


def test_a_name_look_up_that_hangs_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(3))
    allowed = notify("http://relay.internal").allowed
    began = time.monotonic()
    with pytest.raises(web.UnreachableError, match="did not answer"):
        web.post("http://relay.internal/x", b"{}", {}, allowed=allowed, seconds=0.2)
    assert time.monotonic() - began < 2


# -- Retry-After -------------------------------------------------------------------------------------------------------

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("120", timedelta(seconds=120)),
        ("0", timedelta()),
        (" 7 ", timedelta(seconds=7)),
        ("1.5", timedelta(seconds=1.5)),
        ("999999", DAY),
        ("9" * 12, DAY),
        (format_datetime(NOW + timedelta(minutes=2), usegmt=True), timedelta(minutes=2)),
        (format_datetime(NOW - timedelta(minutes=2), usegmt=True), timedelta()),
        ("7200", timedelta(hours=2)),
        (format_datetime(NOW + timedelta(days=2), usegmt=True), DAY),
        ("Wednesday, 25-Nov-26 13:00:30 GMT", timedelta(seconds=30)),
        ("9" * 20, DAY),
        ("120, 60", timedelta(seconds=120)),
        ("9" * 400, None),
        ("120, soon", None),
        ("-5", None),
        ("nan", None),
        ("inf", None),
        ("1e9", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("\x00", None),
    ],
)
def test_retry_after_is_honoured_in_every_form_and_capped(header: str | None, wait: timedelta | None) -> None:
    assert retry.asked(header, NOW) == wait


@pytest.mark.parametrize("attempt", [1, 2, 5, 11, 100])
def test_backing_off_doubles_up_to_a_quarter_of_an_hour_and_half_of_it_is_chance(attempt: int) -> None:
    whole = min(timedelta(seconds=2 ** min(attempt - 1, 12)), timedelta(minutes=15))
    assert retry.backoff(attempt, 0.0) == whole / 2
    assert retry.backoff(attempt, 1.0) == whole
    assert whole / 2 <= retry.backoff(attempt) <= whole


def test_the_wait_is_what_was_asked_where_that_is_longer_than_our_own(tmp_path: Path, hook: Any) -> None:
    box = Outbox(Warehouse(tmp_path))
    box.put(told(contact="team-hook"))
    with serving(answer("429 Too Many", "Retry-After: 120")) as server:
        hook(f"{server.origin}/x")
        claimed = box.begin(box.entries()[0], NOW)
        assert claimed is not None
        ended = senders.sender(notify(server.origin))(claimed.message, NOW)
        box.end(claimed, ended.outcome, NOW, reason=ended.reason, retry_after=ended.retry_after)
    assert box.entries()[0].due() == NOW + timedelta(seconds=120)


# -- where messages may go ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.slack.com/sEcrEt",
        "https://hooks.slack.com:8443/sEcrEt",
        "https://hooks.slack.com.evil.example/sEcrEt",
        "https://hooks.slack.com@evil.example/sEcrEt",
        "https://evil.example/hooks.slack.com",
        "https://HOOKS.slack.com/sEcrEt",
        "https://hooks.slack.com./sEcrEt",
        "https://hooks.slack.com\\@evil.example/sEcrEt",
        "https://hooks.slack.com /sEcrEt",
        "https://hooks.slack.com/sEcrEt#y",
        "https://hooks.slack.com:0/sEcrEt",
        "https://hooks.slack.com:99999/sEcrEt",
        "https://127.0.0.1/sEcrEt",
        "https://0x7f000001/sEcrEt",
        "https://2130706433/sEcrEt",
        "https://0177.0.0.1/sEcrEt",
        "https://127.1/sEcrEt",
        "https://[::1]/sEcrEt",
        "https://169.254.169.254/latest/meta-data",
        "https://sEcrEtn--hoks-slack-com/sEcrEt",
        "https://höoks.slack.com/sEcrEt",
        "ftp://hooks.slack.com/sEcrEt",
        "file:///etc/passwd",
        "gopher://hooks.slack.com/sEcrEt",
        "hooks.slack.com/sEcrEt",
        "",
        "https://hooks.slack.com/" + "x" * 3_000,
        "https://hooks.slack.com/sEcrEt\r\nHost: evil",
    ],
)
def test_only_listed_origins_are_sent_to(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("nothing is looked up"))
    allowed = Notify(origins=["https://hooks.slack.com"]).allowed
    with pytest.raises(origins.OriginError) as refused:
        web.post(url, b"{}", {}, allowed=allowed, seconds=1)
    assert "sEcrEt" not in str(refused.value), "a path may be a secret"


PUBLIC = ["93.184.216.34", "2606:4700::6810:1"]
PRIVATE = ["10.0.0.1", "172.16.3.4", "192.168.1.1", "127.0.0.1", "127.9.9.9", "::1", "fd12::1", "100.64.0.9"]
NEVER = [
    "169.254.169.254",
    "fe80::1",
    "0.0.0.0",  # noqa: S104 - an address to refuse
    "::",
    "224.0.0.1",
    "ff02::1",
    "100.100.100.200",
    "fd00:ec2::254",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "240.0.0.1",
]


@pytest.mark.parametrize("address", [*PRIVATE, *NEVER, "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"])
def test_a_public_name_stands_for_public_addresses_only(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(0, 0, 0, "", (one, 443)) for one in (PUBLIC[0], address)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("no connection is tried"))
    allowed = Notify(origins=["https://hooks.slack.com"]).allowed
    with pytest.raises(origins.OriginError, match="stands for an address that is not allowed"):
        web.post("https://hooks.slack.com/x", b"{}", {}, allowed=allowed, seconds=1)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed(address: str) -> None:
    assert not origins.forbidden(ipaddress.ip_address(address), inside=False)


@pytest.mark.parametrize(("addresses", "refused"), [(PRIVATE, False), (PUBLIC, False), (NEVER, True)])
def test_an_internal_name_may_stand_for_private_addresses_but_never_for_metadata(
    addresses: list[str], refused: bool
) -> None:
    for address in addresses:
        assert origins.forbidden(ipaddress.ip_address(address), inside=True) is refused, address


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    real = socket.getaddrinfo

    def once(host: str, *rest: Any, **named: Any) -> Any:
        asked.append(host)
        return real("127.0.0.1" if host == "alerts.internal" else host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", once)
    with serving(answer("200 OK")) as server:
        url = f"http://alerts.internal:{server.port}"
        assert web.post(f"{url}/x", b"{}", {}, allowed=notify(url).allowed, seconds=10).status == 200
    assert asked.count("alerts.internal") == 1
    assert f"host: alerts.internal:{server.port}".encode() in server.requests[0].lower()


# -- TLS ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trusted", [True, False])
def test_https_needs_a_certificate_that_is_trusted(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, trusted: bool
) -> None:
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with tls_server(context) as port:
        url = f"https://localhost:{port}"
        allowed = notify(url).allowed
        if trusted:
            assert web.post(f"{url}/x", b"{}", {}, allowed=allowed, seconds=10).status == 200
        else:
            with pytest.raises(web.UnreachableError, match="TLS failed"):
                web.post(f"{url}/x", b"{}", {}, allowed=allowed, seconds=3)


def test_a_certificate_of_another_name_is_refused(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with tls_server(context) as port:
        url = f"https://127.0.0.1:{port}"
        with pytest.raises(web.UnreachableError, match="TLS failed"):
            web.post(f"{url}/x", b"{}", {}, allowed=notify(url).allowed, seconds=3)


class tls_server:  # noqa: N801 - used like a function
    """One accept after the other under TLS; each is answered with 200."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.context = context

    def __enter__(self) -> int:
        import threading

        self.listener = socket.create_server(("127.0.0.1", 0))

        def work() -> None:
            from notify_support import read_request

            while True:
                try:
                    plain, _ = self.listener.accept()
                except OSError:
                    return
                try:
                    with self.context.wrap_socket(plain, server_side=True) as connection:
                        read_request(connection)  # type: ignore[arg-type]
                        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                except OSError:
                    plain.close()

        threading.Thread(target=work, daemon=True).start()
        return int(self.listener.getsockname()[1])

    def __exit__(self, *_: object) -> None:
        self.listener.close()


# -- secrets -----------------------------------------------------------------------------------------------------------


def test_a_secret_comes_from_the_environment_or_else_from_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DQ_SECRETS", str(tmp_path))
    with pytest.raises(secret.SecretError, match="set DQ_SECRET_TEAM_HOOK, or put a file team-hook"):
        secret.secret("team-hook")
    (tmp_path / "team-hook").write_text(" from-file\n")
    assert secret.secret("team-hook").get_secret_value() == "from-file"
    monkeypatch.setenv("DQ_SECRET_TEAM_HOOK", "from-environment")
    assert secret.secret("team-hook").get_secret_value() == "from-environment"


@pytest.mark.parametrize("value", ["a\nb", "a\x00b", "é", "x" * 5_000])
def test_what_cannot_be_a_secret_is_refused_without_being_quoted(value: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("DQ_SECRETS", str(tmp_path))
    (tmp_path / "team-hook").write_text(value)
    with pytest.raises(secret.SecretError) as refused:
        secret.secret("team-hook")
    assert value not in str(refused.value)


BROKEN_WAYS: list[Behaviour] = [answer("400 Bad", body=CANARY.encode()), answer("302 Found", f"Location: /{CANARY}")]


def settings_of(kind: type[Addressed], origin: str) -> dict[str, Any]:
    """The settings of a target of a kind at an address, with every secret it can have."""
    fields: dict[str, Any] = {"kind": kind.name_of_kind(), "url": f"{origin}/v2/enqueue", "token": "canary-token"}
    return {field: value for field, value in fields.items() if field in kind.model_fields}


@pytest.mark.parametrize("model", [one for one in KINDS if not one.through_relay])
@pytest.mark.parametrize("behaviour", [*BROKEN_WAYS, answer("200 OK"), hang, drip, reset, None])
def test_a_secret_appears_in_no_log_no_outbox_and_no_error(
    model: type[Addressed],
    behaviour: Behaviour | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    with serving(behaviour or hang) as server:
        origin = server.origin if behaviour else "http://127.0.0.1:9"
        kind, target = model.name_of_kind(), settings_of(model, origin)
        monkeypatch.setenv("DQ_SECRET_TEAM_HOOK", CANARY if kind == "pagerduty" else f"{origin}/services/{CANARY}")
        monkeypatch.setenv("DQ_SECRET_CANARY_TOKEN", CANARY)
        known = house(targets=every_contact() | {"team-hook": target}, internal_origins=[origin], timeout_seconds=1)
        # Where nobody answers it need not take the second that the settings allow at least.
        seconds = 0.3 if behaviour in (hang, drip) else 10
        send = senders.sender(known.notify.model_copy(update={"timeout_seconds": seconds}))
        box = Outbox(Warehouse(tmp_path))
        box.put(told(contact="team-hook", kind=kind, state=State.FIRING))
        claimed = box.begin(box.entries()[0], NOW)
        assert claimed is not None
        ended = send(claimed.message, NOW)
        box.end(claimed, ended.outcome, NOW, reason=ended.reason, retry_after=ended.retry_after)
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    captured = capsys.readouterr()
    for text in (written.decode(), caplog.text, captured.out, captured.err, repr(ended), repr(known.notify)):
        assert CANARY not in text
    if behaviour not in (None, hang, drip, reset):
        assert CANARY.encode() in server.requests[0], "the canary really was used"
