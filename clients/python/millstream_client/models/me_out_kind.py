from enum import StrEnum


class MeOutKind(StrEnum):
    API_KEY = "api_key"
    JWT = "jwt"
    LOCAL = "local"
    SESSION = "session"

    def __str__(self) -> str:
        return str(self.value)
