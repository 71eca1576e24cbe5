"""The bytes of one part of an event log, decompressed as they are read.

zstd and gzip are streams that pyarrow reads. For lz4 and snappy Spark uses framings of its Java libraries' own
(``LZ4BlockOutputStream``, ``SnappyOutputStream``); their blocks are what pyarrow knows.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import IO

import pyarrow as pa

from dq.base.errors import DqError
from dq.diagnose.log_files import Part

CHUNK = 1 << 20
# What a stream has decompressed of a piece is lost where it breaks off within it, so its pieces are small.
STREAM_CHUNK = 1 << 14
# No block of Spark's codecs is larger: spark.io.compression.*.blockSize is 32 KB by default.
LARGEST_BLOCK = 1 << 26
_LZ4_MAGIC = b"LZ4Block"
_LZ4_HEADER = struct.Struct("<8sBiii")
_LZ4_RAW = 0x10
_LZ4_METHOD = 0xF0
_SNAPPY_MAGIC = b"\x82SNAPPY\x00"
_MAGIC = {
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x1f\x8b": "gz",
    _LZ4_MAGIC: "lz4",
    _SNAPPY_MAGIC: "snappy",
    b"ZV": "lzf",
    b'{"': "",
}


class TornError(Exception):
    """The bytes end, or stop making sense, before the stream does."""


def chunks(part: Part) -> Iterator[bytes]:
    """The text of a part in pieces; ends with a TornError where the file breaks off or is damaged."""
    codec = _by_first_bytes(part)
    if codec == "lzf":
        raise DqError(
            "an event log compressed with lzf cannot be read here",
            where=str(part.path),
            expected="zstd, lz4, snappy, gzip or none",
            do="set spark.eventLog.compression.codec to zstd, Spark's default",
        )
    return _READERS[codec](part)


def _by_first_bytes(part: Part) -> str:
    """The codec that a file begins like, whatever its name says; that of its name where it begins like none."""
    with part.path.open("rb") as file:
        begin = file.read(len(_LZ4_MAGIC))
    found = (codec for magic, codec in _MAGIC.items() if begin.startswith(magic))
    return next(found, part.codec)


def _plain(part: Part) -> Iterator[bytes]:
    with part.path.open("rb") as file:
        while piece := file.read(CHUNK):
            yield piece


def _stream(codec: str) -> Callable[[Part], Iterator[bytes]]:
    def read(part: Part) -> Iterator[bytes]:
        with pa.OSFile(str(part.path)) as file, pa.CompressedInputStream(file, codec) as stream:
            try:
                while piece := stream.read(STREAM_CHUNK):
                    yield piece
            except (OSError, ValueError) as error:
                raise TornError(str(error)) from error

    return read


def _exactly(file: IO[bytes], size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise TornError("the file ends within a block")
    return data


def _unpacked(codec: pa.Codec, data: bytes, size: int) -> bytes:
    if not 0 <= size <= LARGEST_BLOCK:
        raise TornError("a block claims an impossible size")
    try:
        return bytes(codec.decompress(data, decompressed_size=size, asbytes=True))
    except (OSError, ValueError) as error:
        raise TornError(str(error)) from error


def _lz4(part: Part) -> Iterator[bytes]:
    codec = pa.Codec("lz4_raw")
    with part.path.open("rb") as file:
        while header := file.read(_LZ4_HEADER.size):
            if len(header) < _LZ4_HEADER.size:
                raise TornError("the file ends within a header")
            magic, token, packed, size, _ = _LZ4_HEADER.unpack(header)
            if magic != _LZ4_MAGIC or not 0 <= packed <= LARGEST_BLOCK:
                raise TornError("no lz4 block begins here")
            if size == 0:  # the end of one stream; another may follow
                continue
            data = _exactly(file, packed)
            yield data if token & _LZ4_METHOD == _LZ4_RAW else _unpacked(codec, data, size)


def _snappy(part: Part) -> Iterator[bytes]:
    codec = pa.Codec("snappy")
    with part.path.open("rb") as file:
        while head := file.read(4):
            if len(head) < 4:
                raise TornError("the file ends within a header")
            if head == _SNAPPY_MAGIC[:4]:  # a stream begins: the rest of the magic, version, oldest reader's version
                _exactly(file, len(_SNAPPY_MAGIC) - 4 + 8)
                continue
            (packed,) = struct.unpack(">i", head)
            if not 0 < packed <= LARGEST_BLOCK:
                raise TornError("no snappy block begins here")
            data = _exactly(file, packed)
            yield _unpacked(codec, data, _snappy_size(data))


def _snappy_size(data: bytes) -> int:
    """The decompressed size that a snappy block begins with, as a variable-length integer."""
    size = 0
    for place, byte in enumerate(data[:5]):
        size |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return size
    raise TornError("a block has no size")


_READERS: dict[str, Callable[[Part], Iterator[bytes]]] = {
    "": _plain,
    "zstd": _stream("zstd"),
    "gz": _stream("gzip"),
    "lz4": _lz4,
    "snappy": _snappy,
}
