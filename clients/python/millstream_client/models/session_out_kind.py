from enum import StrEnum


class SessionOutKind(StrEnum):
    BROWSER = "browser"
    PROGRAM = "program"

    def __str__(self) -> str:
        return str(self.value)
