"""For all tests: the monkey patch that production has, before anything else is imported."""

from gevent import monkey

monkey.patch_all()

import os  # noqa: E402

from hypothesis import HealthCheck, settings  # noqa: E402

# Machines are noisy: how long generating an example takes says nothing about the code.
settings.register_profile("ethpillar", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# `make fuzz`: the same properties, tens of thousands of inputs each.
settings.register_profile(
    "fuzz", settings.get_profile("ethpillar"), max_examples=int(os.environ.get("FUZZ_EXAMPLES", "20000"))
)
settings.load_profile("ethpillar")
