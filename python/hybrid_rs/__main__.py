"""``python -m hybrid_rs``: the same as the command ``hybrid-rs``."""

import sys

from hybrid_rs.cli import main

if __name__ == "__main__":
    sys.exit(main())
