"""``python -m dq`` and the ``dq`` command."""

import sys

from dq.cli import main

if __name__ == "__main__":
    sys.exit(main())
