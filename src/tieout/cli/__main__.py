"""`python -m tieout.cli` is `tieout`."""

from __future__ import annotations

from tieout.cli.main import main

if __name__ == "__main__":
    main()
