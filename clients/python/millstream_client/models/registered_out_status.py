from enum import StrEnum


class RegisteredOutStatus(StrEnum):
    CHECK_MAIL = "check_mail"
    READY = "ready"

    def __str__(self) -> str:
        return str(self.value)
