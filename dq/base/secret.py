"""Secrets by name: from the environment or a file, never from YAML, and never in a text that anybody is shown."""

from __future__ import annotations

import os

from pydantic import SecretStr

from dq.base.errors import DqError
from dq.base.paths import local

PREFIX = "DQ_SECRET_"
FOLDER = "DQ_SECRETS"
LONGEST = 4_096


class SecretError(DqError):
    """A secret that is not there or cannot be one; the sentence names it and never quotes it."""


def variable(name: str) -> str:
    """The environment variable that holds a secret: ``DQ_SECRET_DANNY_PAGER`` for ``danny-pager``."""
    return PREFIX + name.upper().replace("-", "_")


def secret(name: str) -> SecretStr:
    """The secret of that name: its environment variable, else the file of its name in the folder DQ_SECRETS names."""
    value = os.environ.get(variable(name))
    folder = os.environ.get(FOLDER)
    if value is None and folder:
        try:
            with (local(folder, FOLDER) / name).open("rb") as file:
                value = file.read(LONGEST + 1).decode("utf-8")
        except FileNotFoundError:
            value = None
        except (OSError, UnicodeDecodeError) as error:
            raise SecretError(f"the secret {name} cannot be read ({type(error).__name__})", where=FOLDER) from None
    value = (value or "").strip()
    if not value:
        raise SecretError(
            f"there is no secret {name}",
            do=f"set {variable(name)}, or put a file {name} into the folder {FOLDER} names",
        )
    if len(value) > LONGEST or not value.isascii() or not value.isprintable():
        raise SecretError(f"the secret {name} is not one line of plain text")
    return SecretStr(value)
