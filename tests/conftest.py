"""Settings every test shares."""

from hypothesis import HealthCheck, settings

# No deadlines: a machine that runs other work beside the tests would fail them at random.
settings.register_profile("kwsearch", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("kwsearch")
