"""Writes `kafka.lock`: `python -m millstream.local.lock_jars` after a change of `ROOTS`. Not used at run time."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

from millstream.local.jars import LOCK

ROOTS = (
    "org.apache.kafka:kafka_2.13:4.3.1",
    "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4!",  # the broker logs nothing without it; `!`: it manages no
    # other versions, or Jackson's would come out mixed
)
HEADER = """# Jars of the embedded Apache Kafka with their SHA-256. Written by `python -m millstream.local.lock_jars`.
# The server, its StorageTool and a logger; what Kafka's command line tools and Connect would need is left out.
"""


def main() -> None:
    """Resolve the roots with jgo into an empty cache and write down what came."""
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import MavenContext
    from jgo.parse import Endpoint

    with tempfile.TemporaryDirectory() as cache:
        context = MavenContext(repo_cache=Path(cache), remote_repos={"central": MAVEN_CENTRAL_URL})
        wanted = [context.create_dependency(c) for c in Endpoint.parse("+".join(ROOTS)).coordinates]
        roots, others = context.resolver.resolve(wanted)
        lines = set()
        for dependency in [*roots, *others]:
            artifact = dependency.artifact
            digest = hashlib.sha256(Path(artifact.resolve()).read_bytes()).hexdigest()
            lines.add(f"{artifact.groupId}:{artifact.artifactId}:{artifact.version} {digest}\n")
    LOCK.write_text(HEADER + "".join(sorted(lines)))


if __name__ == "__main__":
    main()
