"""`python -m bench.engine_process PARTITIONS coordinator|worker`: `millstream ...`, with another number of partitions.

The number is a constant of the catalogue, since it can never change under tables and open executions; here, where both
begin empty, it is set before anybody reads it.
"""

from __future__ import annotations

import sys

from millstream.topics import catalogue

if __name__ == "__main__":
    catalogue.PARTITIONS = int(sys.argv.pop(1))
    from millstream.cli.main import main

    main()
