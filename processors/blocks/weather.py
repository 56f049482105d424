"""The weather, by OpenWeather."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated

from millstream.processors.annotations import Advanced, Emit, Outputs
from millstream.processors.context import Context
from millstream.processors.credentials import Credentials
from millstream.processors.rest import Login, Service
from millstream.processors.samples import Sample
from millstream.processors.sdk import block

OPENWEATHER = Service(
    provider="openweathermap",
    title="OpenWeather",
    url="https://api.openweathermap.org",
    login=Login(place="query", name="appid"),
)
_LOGIN = {"id": "00000000-0000-4000-8000-000000000009", "provider": "openweathermap", "type": "api_key"}
_TODAY = {"main": {"temp": 21.66, "humidity": 32}, "weather": [{"description": "overcast clouds"}]}


class Weather(Outputs):
    """Pins of GetWeatherInformationBlock."""

    temperature: str
    humidity: str
    condition: str


@block(
    id="f7a8b2c3-6d4e-5f8b-9e7f-6d4e5f8b9e7f",
    name="GetWeatherInformationBlock",
    samples=[
        Sample(
            {"location": "New York", "credentials": _LOGIN},
            [("temperature", "21.66"), ("humidity", "32"), ("condition", "overcast clouds")],
            serves={
                "/data/2.5/weather?q=New+York&units=metric&appid=made-up-secret": (
                    "application/json",
                    json.dumps(_TODAY),
                )
            },
        )
    ],
)
async def get_weather_information(
    location: str,
    credentials: Annotated[Credentials, OPENWEATHER.takes()],
    use_celsius: Advanced[bool] = True,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Weather]]:
    """Tell the weather of a place, as it is now.

    location: The place, like `London` or `London,GB`.
    credentials: A key of OpenWeather.
    use_celsius: Degrees Celsius; else Fahrenheit.
    temperature: The temperature.
    humidity: The humidity of the air in per cent.
    condition: What the sky is like.
    """
    asked = {"q": location, "units": "metric" if use_celsius else "imperial"}
    found = await OPENWEATHER.call(ctx, "GET /data/2.5/weather", query=asked)
    yield "temperature", str(found["main"]["temp"])
    yield "humidity", str(found["main"]["humidity"])
    yield "condition", found["weather"][0]["description"]
