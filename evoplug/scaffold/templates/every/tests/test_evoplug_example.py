from evoplug.testing import ContractSuite
from evoplug_example import Example


class TestExample(ContractSuite):
    component = Example
