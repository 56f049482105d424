from enum import StrEnum


class ListExecutionsStatusType0Item(StrEnum):
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    INCOMPLETE = "INCOMPLETE"
    QUEUED = "QUEUED"
    REVIEW = "REVIEW"
    RUNNING = "RUNNING"
    TERMINATED = "TERMINATED"

    def __str__(self) -> str:
        return str(self.value)
