from enum import StrEnum


class CredentialOutType(StrEnum):
    API_KEY = "api_key"
    HOST_SCOPED = "host_scoped"
    OAUTH2 = "oauth2"
    USER_PASSWORD = "user_password"

    def __str__(self) -> str:
        return str(self.value)
