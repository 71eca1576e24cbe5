"""The safe import of Great Expectations; every entry point of this package calls it first."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

from dq.base.errors import DqError


def load() -> None:
    """Import Great Expectations without its analytics, and without letting the import end the process.

    GX 1.24 imports ``pyspark.sql.connect``; without its optional packages PySpark takes a ``__main__`` that has no
    file (``python -c``) for a doctest run and calls ``sys.exit(0)``: the process would end in silence and look well.
    """
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    if "great_expectations" in sys.modules:
        return
    main = sys.modules.get("__main__")
    nameless = main is not None and not hasattr(main, "__file__")
    if main is not None and nameless:
        main.__file__ = str(Path(sys.executable))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about modules Great Expectations imports, nothing a user can act on
            import great_expectations  # noqa: F401
    except SystemExit as error:
        raise DqError("importing Great Expectations tried to end the process", do="run a script or -m") from error
    finally:
        if main is not None and nameless:
            del main.__file__
