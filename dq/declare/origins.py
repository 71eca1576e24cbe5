"""Where messages may go: exact origins that the settings list, and addresses those may stand for.

A public origin is https (or SMTP under TLS) and stands for public addresses only. An internal one, listed as such, may
be plain http and stand for private addresses. Link-local and metadata addresses are refused in any case.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from dq.base.errors import DqError

PORTS = {"https": 443, "http": 80, "smtp": 587}
_HOST = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:.]+\]")
_LONGEST = 2_048
_METADATA = {ipaddress.ip_address(one) for one in ("fd00:ec2::254", "100.100.100.200", "192.0.0.192", "168.63.129.16")}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class OriginError(DqError):
    """An address no message is sent to; the sentence never quotes a path, which may be a secret."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Scheme, host and port."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        default = PORTS[self.scheme] == self.port
        return f"{self.scheme}://{self.host}" if default else f"{self.scheme}://{self.host}:{self.port}"

    @property
    def name(self) -> str:
        """The host as resolvers and certificates know it."""
        return self.host.strip("[]")


def parse(text: str) -> Origin:
    """The origin a text such as ``https://hooks.slack.com`` is, or a ValueError that says what is wrong."""
    origin, rest = split(text)
    if rest not in ("", "/"):
        raise ValueError("an origin has no path; expected one such as https://hooks.slack.com")
    return origin


def split(url: str) -> tuple[Origin, str]:
    """The origin of an address and what follows it, or a ValueError that quotes nothing of it."""
    if len(url) > _LONGEST or not url.isascii() or not url.isprintable() or re.search(r"[\s\\]", url):
        raise ValueError("it is not a plain address")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("it is not a plain address") from None
    if parts.scheme not in PORTS:
        raise ValueError(f"its scheme is not one of {', '.join(PORTS)}")
    host = parts.netloc.rpartition(":")[0] if port is not None else parts.netloc.removesuffix(":")
    if "@" in parts.netloc or not _HOST.fullmatch(host):
        raise ValueError("its host is not a plain name in lower case")
    if parts.fragment or port == 0:
        raise ValueError("it has a fragment or no port")
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    return Origin(scheme=parts.scheme, host=host, port=port or PORTS[parts.scheme]), path


@dataclass(frozen=True, kw_only=True)
class Origins:
    """The origins the settings allow."""

    public: frozenset[Origin] = frozenset()
    internal: frozenset[Origin] = frozenset()

    def refusal(self, origin: Origin) -> str:
        """Why nothing is sent to an origin, empty where it is allowed."""
        if origin in self.internal:
            return ""
        if origin not in self.public:
            return f"the origin {origin} is not listed; add it to notify.origins in the settings if it is meant"
        if origin.scheme == "http":
            return f"{origin} is plain http; list it under notify.internal_origins if it is inside the house"
        return ""

    def addresses(self, origin: Origin) -> Sequence[str]:
        """The addresses an allowed origin stands for now, each of them checked; OriginError where one may not be."""
        refusal = self.refusal(origin)
        if refusal:
            raise OriginError(refusal)
        try:
            found = socket.getaddrinfo(origin.name, origin.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise OriginError(f"{origin.name} has no address") from None
        addresses = list(dict.fromkeys(str(info[4][0]).partition("%")[0] for info in found))
        inside = origin in self.internal
        if not addresses or any(forbidden(ipaddress.ip_address(one), inside=inside) for one in addresses):
            raise OriginError(f"{origin.name} stands for an address that is not allowed")
        return addresses


def forbidden(address: Address, *, inside: bool) -> bool:
    """Whether nothing may be sent to an address: link-local and metadata ones, for public origins all not public."""
    carried = [address]
    if isinstance(address, ipaddress.IPv6Address):
        carried += [one for one in (address.ipv4_mapped, address.sixtofour) if one]
        carried += [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)] if address in _NAT64 else []
        if address.ipv4_mapped:
            carried.remove(address)
    return any(_forbidden(one, inside=inside) for one in carried)


def _forbidden(address: Address, *, inside: bool) -> bool:
    if address in _METADATA or address.is_link_local or address.is_multicast or address.is_unspecified:
        return True
    if inside:
        return isinstance(address, ipaddress.IPv4Address) and address.is_reserved
    return not address.is_global
