from enum import StrEnum


class GetUsageBy(StrEnum):
    DAY = "day"
    EXECUTION = "execution"
    GRAPH = "graph"
    MODEL = "model"

    def __str__(self) -> str:
        return str(self.value)
