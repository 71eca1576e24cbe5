"""Small documents of the warehouse under ``_dq``: run records, waivers and whatever else is kept by name."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

from dq.base.errors import StoreError
from dq.base.model import Json
from dq.store.filesystem import EntryType, Filesystem
from dq.store.names import NAME, checked_name
from dq.store.sealed import TornDocumentError, decode, encode

log = logging.getLogger("dq.store")

FOLDER = "_dq"
SUFFIX = ".json"
TORN = ".torn"


class Records:
    """Documents by kind and name, each replaced whole; a torn one is set aside with a warning, never believed."""

    def __init__(self, filesystem: Filesystem, ready: Callable[[], None]) -> None:
        self._filesystem = filesystem
        self._ready = ready

    def put(self, kind: str, name: str, doc: Mapping[str, object]) -> None:
        """Store a document under its name in place of the one that is there; readers see the old or the new."""
        key = self._key(kind, name)
        self._ready()
        self._filesystem.replace(key, encode({"kind": kind, "name": name, "document": doc}))

    def put_new(self, kind: str, name: str, doc: Mapping[str, object]) -> bool:
        """Store a document under its name unless one is there; of several writers exactly one is told True."""
        key = self._key(kind, name)
        self._ready()
        return self._filesystem.put_if_absent(key, encode({"kind": kind, "name": name, "document": doc}))

    def get(self, kind: str, name: str) -> Mapping[str, Json] | None:
        """The document of this name; None when there is none, or, with a warning, when it is torn."""
        key = self._key(kind, name)
        content = self._filesystem.read(key)
        if content is None:
            return None
        try:
            fields = decode(content)
            if (fields.text("kind"), fields.text("name")) != (kind, name):
                raise TornDocumentError(f"it is {fields.text('kind')} {fields.text('name')}")
            return fields.mapping("document")
        except TornDocumentError as error:
            self._set_aside(key, content, error)
            return None

    def delete(self, kind: str, name: str) -> None:
        """Remove a document; nothing happens where there is none."""
        key = self._key(kind, name)
        self._ready()
        self._filesystem.delete(key)

    def list(self, kind: str, prefix: str = "") -> Sequence[str]:
        """The names stored of a kind, sorted, that begin with the prefix; what an editor left beside is not one."""
        names = [
            one.name.removesuffix(SUFFIX)
            for one in self._filesystem.list(f"{FOLDER}/{checked_name('record kind', kind)}")
            if one.type is EntryType.FILE and one.name.endswith(SUFFIX)
        ]
        return sorted(name for name in names if name.startswith(prefix) and NAME.fullmatch(name))

    def all(self, kind: str) -> Mapping[str, Mapping[str, Json]]:
        """Every whole document of a kind by name; torn ones are set aside with a warning each."""
        found = {name: self.get(kind, name) for name in self.list(kind)}
        return {name: doc for name, doc in found.items() if doc is not None}

    def _key(self, kind: str, name: str) -> str:
        return f"{FOLDER}/{checked_name('record kind', kind)}/{checked_name('record', name)}{SUFFIX}"

    def _set_aside(self, key: str, content: bytes, error: TornDocumentError) -> None:
        log.warning("%s is damaged and set aside as %s%s: %s", key, key, TORN, error)
        try:
            # A writer may have stored a whole one meanwhile; only the bytes that were judged are moved away.
            if self._filesystem.read(key) == content:
                self._filesystem.delete(f"{key}{TORN}")
                self._filesystem.move(key, f"{key}{TORN}")
        except StoreError as refused:
            log.warning("%s could not be set aside: %s", key, refused)
