from evoplug.testing import PresetSuite


class TestExample(PresetSuite):
    name = "example"
