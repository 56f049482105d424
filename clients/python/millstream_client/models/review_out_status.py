from enum import StrEnum


class ReviewOutStatus(StrEnum):
    APPROVED = "APPROVED"
    DROPPED = "DROPPED"
    REJECTED = "REJECTED"
    WAITING = "WAITING"

    def __str__(self) -> str:
        return str(self.value)
