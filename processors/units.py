"""Units of measurement: a small table, by quantity, each as a factor (and an offset for temperatures)."""

from __future__ import annotations

from typing import Final

from millstream.schemas.errors import BlockInputError

UNITS: Final[dict[str, dict[str, tuple[float, float]]]] = {
    quantity: {name: (factor, 0.0) for name, factor in units.items()}
    for quantity, units in {
        "length": {
            "m": 1, "km": 1000, "dm": 0.1, "cm": 0.01, "mm": 1e-3, "um": 1e-6, "nm": 1e-9, "in": 0.0254,
            "ft": 0.3048, "yd": 0.9144, "mi": 1609.344, "nmi": 1852,
        },
        "mass": {"kg": 1, "g": 1e-3, "mg": 1e-6, "t": 1000, "oz": 0.028349523125, "lb": 0.45359237, "st": 6.35029318},
        "time": {"s": 1, "ms": 1e-3, "us": 1e-6, "min": 60, "h": 3600, "d": 86400, "week": 604800, "year": 31557600},
        "area": {
            "m2": 1, "km2": 1e6, "cm2": 1e-4, "mm2": 1e-6, "ha": 1e4, "acre": 4046.8564224, "ft2": 0.09290304,
            "in2": 0.00064516, "mi2": 2589988.110336,
        },
        "volume": {
            "l": 1, "ml": 1e-3, "cl": 0.01, "dl": 0.1, "m3": 1000, "cm3": 1e-3, "gal": 3.785411784,
            "qt": 0.946352946, "pt": 0.473176473, "cup": 0.2365882365, "floz": 0.0295735295625,
            "tbsp": 0.01478676478125, "tsp": 0.00492892159375, "gal_uk": 4.54609, "pt_uk": 0.56826125,
        },
        "speed": {"m/s": 1, "km/h": 1 / 3.6, "mph": 0.44704, "kn": 1852 / 3600, "ft/s": 0.3048},
        "data": {
            "B": 1, "bit": 0.125, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "PB": 1e15, "KiB": 2**10,
            "MiB": 2**20, "GiB": 2**30, "TiB": 2**40, "PiB": 2**50,
        },
        "energy": {"J": 1, "kJ": 1e3, "MJ": 1e6, "Wh": 3600, "kWh": 3.6e6, "cal": 4.184, "kcal": 4184, "BTU": 1055.05585262},
        "power": {"W": 1, "kW": 1e3, "MW": 1e6, "hp": 745.6998715822702, "PS": 735.49875},
        "pressure": {"Pa": 1, "hPa": 100, "kPa": 1e3, "bar": 1e5, "mbar": 100, "atm": 101325,
            "psi": 6894.757293168, "mmHg": 133.322387415},
        "angle": {"deg": 1, "rad": 57.29577951308232, "grad": 0.9, "turn": 360},
    }.items()
}  # fmt: skip
UNITS["temperature"] = {"K": (1.0, 0.0), "C": (1.0, 273.15), "F": (5 / 9, 459.67 * 5 / 9)}


def find(name: str) -> tuple[str, float, float]:
    """Quantity, factor and offset of a unit; capitals matter only where they tell units apart.

    Errors: BlockInputError, with the units that there are.
    """
    wanted = name.strip().removeprefix("°").replace("µ", "u").replace("²", "2").replace("³", "3")
    every = [(unit, quantity, *size) for quantity, units in UNITS.items() for unit, size in units.items()]
    hits = [one for one in every if one[0] == wanted] or [
        one for one in every if one[0].lower() == wanted.lower()
    ]
    if len(hits) == 1:
        return hits[0][1:]
    known = ", ".join(unit for units in UNITS.values() for unit in units)
    raise BlockInputError(f"{name[:40]!r} is no unit that is known here; there are {known}.")


def converted(value: float, source: str, target: str) -> tuple[float, str]:
    """The value in the other unit, and the quantity. Errors: BlockInputError."""
    kind, factor, offset = find(source)
    other, into, shift = find(target)
    if kind != other:
        raise BlockInputError(f"{source} is a unit of {kind} and {target} one of {other}.")
    return (value * factor + offset - shift) / into, kind
