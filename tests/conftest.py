"""What holds for all tests."""

from hypothesis import settings

settings.register_profile("evoplug", deadline=None)  # on a busy machine an example takes as long as it takes
settings.load_profile("evoplug")
