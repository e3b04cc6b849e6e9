"""For all tests: the monkey patch that production has, before anything else is imported."""

from gevent import monkey

monkey.patch_all()


from hypothesis import HealthCheck, settings  # noqa: E402

# Machines are noisy: how long generating an example takes says nothing about the code.
settings.register_profile("ethpillar", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ethpillar")
