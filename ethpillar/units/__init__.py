"""EthPillar's systemd units and their states.

Belongs here: which units there are, what a unit's name may look like, and reading `systemctl show`. Pure: text in,
values out. It must not know how the text was got.
"""

from .names import CORE_UNITS, IN_DOCKER, KNOWN_UNITS, service_name, unit_name
from .show import INFO, LEVELS, UnitStatus, most_output, parse_show, show_command

__all__ = [
    "CORE_UNITS",
    "INFO",
    "IN_DOCKER",
    "KNOWN_UNITS",
    "LEVELS",
    "UnitStatus",
    "most_output",
    "parse_show",
    "service_name",
    "show_command",
    "unit_name",
]
