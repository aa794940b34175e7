"""What a preset promises."""

from __future__ import annotations

from typing import ClassVar

from evoplug import api, catalogue
from evoplug.config import resolved


class PresetSuite:
    """``name`` is that of the preset, e.g. ``"levy/wide"``."""

    group: ClassVar[str] = "presets"
    name: ClassVar[str]

    def test_it_says_what_it_is(self) -> None:
        assert catalogue.find("presets", self.name).doc, "it does not begin with a comment, which `evoplug list` shows"

    def test_it_is_a_sound_configuration(self) -> None:
        api.check(self.name)

    def test_what_a_run_of_it_writes_down_is_the_same_configuration(self) -> None:
        written = resolved(api.check(self.name))
        assert resolved(api.check(written)) == written
