"""Run as a file with the arguments of a coordinator or worker: becomes one, but without a lasting name in its group, so that
the group is rebalanced when it comes and again when it goes."""

from __future__ import annotations

import functools

from millstream.cli.main import main
from millstream.streams import admitting, apps, coordinator, worker

if __name__ == "__main__":
    nameless = functools.partial(apps.build, consumer_group_instance_id=None)
    for module in (admitting, coordinator, worker):
        vars(module)["build"] = nameless
    main()
