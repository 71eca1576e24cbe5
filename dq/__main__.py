"""``python -m dq`` and the ``dq`` command."""

import gc
import os
import sys

# A command that answers at once spends most of its time importing: collecting what is only being made is in vain, and
# nobody's plugins take part in reading our declared files. Each is set before the first module that it concerns.
gc.set_threshold(50_000, 20, 50)
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

from dq.cli import main  # noqa: E402 - see above

if __name__ == "__main__":
    sys.exit(main())
