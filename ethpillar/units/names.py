"""The units EthPillar installs, and the names a unit may have."""

from __future__ import annotations

import re

CORE_UNITS = ("execution", "consensus", "validator", "mevboost", "csm_nimbusvalidator")
"Those of EthPillar itself."

PLUGIN_UNITS = (
    "contributoor",
    "client-stats",
    "dora",
    "ethereum-metrics-exporter",
    "prometheus",
    "prometheus-node-exporter",
    "grafana-server",
)
"In a status update when the node has them."

IN_DOCKER = {
    "aztec": "cd /opt/ethpillar/aztec && docker compose logs -f",
    "aztec-sequencer": "cd /opt/ethpillar/aztec && docker compose logs -f",
    "csm-sentinel": "docker logs -f csm-sentinel",
}
"What EthPillar runs in containers, and how each log is read: they have no unit."

KNOWN_UNITS = CORE_UNITS + PLUGIN_UNITS

# systemd.unit(5): letters, digits and ":-_.\\@", 255 characters with the suffix. A leading dash would be an option.
_NAME = re.compile(r"[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]*")
_LONGEST = 255
_SUFFIX = ".service"
_OTHER_TYPES = (
    *(".socket", ".device", ".mount", ".automount", ".swap", ".target", ".path", ".timer", ".slice", ".scope"),
    ".snapshot",
)


def unit_name(service: object) -> str | None:
    """Return the unit of a service as the wire names it (`geth` or `geth.service`); None if that names no service."""
    if not isinstance(service, str) or not _NAME.fullmatch(service) or service.endswith(_OTHER_TYPES):
        return None
    unit = service if service.endswith(_SUFFIX) else service + _SUFFIX
    stem = unit.removesuffix(_SUFFIX)
    if not stem or stem.startswith(".") or stem.endswith("@") or len(unit) > _LONGEST:
        return None
    return unit


def service_name(unit: str) -> str:
    """Return the wire's word for a unit: without `.service`."""
    return unit.removesuffix(_SUFFIX)
