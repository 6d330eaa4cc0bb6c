"""Lets pytest show what the shared promises saw."""

import pytest

pytest.register_assert_rewrite("tests.gateway.store.contract")
