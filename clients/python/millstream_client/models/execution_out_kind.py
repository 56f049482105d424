from enum import StrEnum


class ExecutionOutKind(StrEnum):
    BLOCK = "block"
    GRAPH = "graph"

    def __str__(self) -> str:
        return str(self.value)
