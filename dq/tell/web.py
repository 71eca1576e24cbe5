"""One HTTP request with an end: exact origins, no redirects, a total deadline, and nothing of the answer but its head.

The answer's body is never read: what was sent is known by the status, and a body could be endless or quote a secret.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from dq.base.errors import DqError
from dq.declare.origins import Origin, OriginError, Origins, split

AGENT = "dq"
T = TypeVar("T")


class UnreachableError(DqError):
    """Nobody answered in time; the sentence names the origin alone."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a server said: the status, and when it wants to be asked again."""

    status: int
    retry_after: str | None = None


def within(seconds: float, call: Callable[[], T], abandon: Callable[[], None]) -> T:
    """The result of a call that may hang anywhere, name look-up and drip included; TimeoutError at the deadline.

    Socket timeouts count from byte to byte, so a server that drips would never run into one.
    """
    result: list[T] = []
    failure: list[BaseException] = []

    def work() -> None:
        try:
            result.append(call())
        except BaseException as error:  # handed to the thread that waits
            failure.append(error)

    worker = threading.Thread(target=work, daemon=True, name="dq-send")
    worker.start()
    worker.join(seconds)
    if worker.is_alive():
        with suppress(Exception):
            abandon()
        raise TimeoutError
    if failure:
        raise failure[0]
    return result[0]


def post(url: str, body: bytes, headers: Mapping[str, str], *, allowed: Origins, seconds: float) -> Answer:
    """Post to an allowed address; OriginError where it is not, UnreachableError where nobody answers in time."""
    try:
        origin, path = split(url)
    except ValueError as error:
        raise OriginError(f"the address cannot be used: {error}") from None
    if origin.scheme not in ("http", "https"):
        raise OriginError(f"{origin} takes no HTTP")
    opened: list[HTTPConnection] = []

    def ask() -> Answer:
        deadline = time.monotonic() + seconds
        error: Exception = OSError()
        for address in allowed.addresses(origin):
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                break
            connection = _connection(origin, address, remaining)
            opened.append(connection)
            try:
                connection.connect()
            except (OSError, urllib3.exceptions.HTTPError) as failed:
                error = failed
                continue
            return _asked(connection, origin, path or "/", body, headers)
        raise error

    def abandon() -> None:
        for connection in opened:
            sock = connection.sock
            if sock is not None:
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

    try:
        return within(seconds, ask, abandon)
    except urllib3.exceptions.NewConnectionError as error:  # which its library takes for a kind of timeout
        raise UnreachableError(f"{origin} could not be reached ({_word(error)})") from None
    except (TimeoutError, urllib3.exceptions.TimeoutError):
        raise UnreachableError(f"{origin} did not answer within {seconds:g} s") from None
    except (OSError, urllib3.exceptions.HTTPError, http.client.HTTPException, ValueError) as error:
        raise UnreachableError(f"{origin} could not be reached ({_word(error)})") from None


def _asked(connection: HTTPConnection, origin: Origin, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    host = str(origin).partition("://")[2]
    every = {"Host": host, "User-Agent": AGENT, "Content-Type": "application/json", "Connection": "close", **headers}
    try:
        connection.request("POST", path, body=body, headers=every, preload_content=False)
        response = connection.getresponse()
        return Answer(status=response.status, retry_after=response.headers.get("Retry-After"))
    finally:
        connection.close()


def _connection(origin: Origin, address: str, seconds: float) -> HTTPConnection:
    """A connection to one checked address, so that a second look-up cannot lead elsewhere."""
    if origin.scheme == "http":
        return HTTPConnection(address, origin.port, timeout=seconds)
    return HTTPSConnection(
        address,
        origin.port,
        timeout=seconds,
        server_hostname=origin.name,
        ssl_context=ssl.create_default_context(),
    )


def _word(error: Exception) -> str:
    """The kind of an error; its text may quote the address, which may be a secret."""
    cause = error.__cause__ or error.__context__ or error
    if isinstance(error, ssl.SSLError | urllib3.exceptions.SSLError) or isinstance(cause, ssl.SSLError):
        return "TLS failed"
    if isinstance(error, ConnectionRefusedError) or isinstance(cause, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, ConnectionError | urllib3.exceptions.ProtocolError):
        return "connection broken"
    return type(error).__name__
