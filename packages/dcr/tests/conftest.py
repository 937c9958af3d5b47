from tenpapers.testing import data_fixture

data = data_fixture("dcr")
