"""The published contract: kept in the tree, complete, and true of what the API answers."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from gateway.api.app import create_app
from gateway.api.hub import Hub
from gateway.api.problems import PROBLEMS, Problem
from gateway.core.alarm import Move
from gateway.text import has
from tests.gateway.api.house import House
from tests.parts import until

EXAMPLES = 6  # of each operation and mode: enough to meet every parameter, a minute in all

ROOT = Path(__file__).parents[3]
DOCUMENT = ROOT / "docs" / "reference" / "openapi.json"


def published() -> str:
    """The document as it is kept: sorted, so that a change is a readable difference."""
    return json.dumps(create_app(None).openapi(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def test_the_document_in_the_tree_is_the_applications() -> None:
    """Clients are made from the file: it says what the code does. CSG_WRITE_REFERENCE=1 writes it anew."""
    if os.environ.get("CSG_WRITE_REFERENCE") == "1":
        DOCUMENT.write_text(published(), encoding="utf-8")
    assert DOCUMENT.read_text(encoding="utf-8") == published()


def test_every_way_of_saying_no_is_documented() -> None:
    """Codes raised anywhere in the API stand in the table, and the table stands in the document."""
    raised = set()
    for path in (ROOT / "gateway" / "api").glob("*.py"):
        raised |= set(re.findall(r'Problem\(\s*"(\w+)"', path.read_text(encoding="utf-8")))
    assert raised <= set(PROBLEMS)
    description = create_app(None).openapi()["info"]["description"]
    assert all(f"`{code}`" in description for code in PROBLEMS)


def test_every_refusal_of_the_core_is_a_problem_people_can_read() -> None:
    """The core's words are codes of ours, and have a text in both languages for the personal page."""
    source = "".join(
        (ROOT / "gateway" / "core" / name).read_text(encoding="utf-8") for name in ("acts.py", "alarm.py")
    )
    words = re.findall(r'return "([a-z_0-9]+)"', source) + re.findall(
        r'^    [A-Z_]+ = "([a-z_]+)"', source, re.MULTILINE
    )
    codes = set(words) - {"ok", *(str(move) for move in Move)}
    assert {"no_verdict", "alarm_active", "nothing_to_do"} <= codes
    for code in codes:
        assert code in PROBLEMS, code
        assert has(f"code.{code}"), code


def test_an_unknown_refusal_is_still_a_refusal() -> None:
    """A word of a newer engine is passed on as detail: never a bug, never a success."""
    problem = Problem("something_new")
    assert (problem.code, problem.detail) == ("refused", "something_new")
    assert problem.response().status_code == 409


def test_every_operation_has_a_summary_and_a_shape() -> None:
    """A generated client knows every answer: each JSON operation names its schema."""
    document = create_app(None).openapi()
    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert operation.get("description"), (path, method)
            content = operation["responses"].get("200", {}).get("content", {})
            if "application/json" in content:
                assert "$ref" in content["application/json"]["schema"], (path, method)


class Served:
    """The house over a real socket, on a loop of its own, for a client that knows no loop."""

    def __init__(self, house: House) -> None:
        self.house, self.loop = house, asyncio.new_event_loop()
        config = uvicorn.Config(house.app, port=0, log_config=None, lifespan="off", ws="none")
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.run(house.start())
        self.run(house.fire())
        self.serving = asyncio.run_coroutine_threadsafe(self.server.serve(), self.loop)
        until(lambda: self.server.started, "the server to listen")
        self.url = f"http://127.0.0.1:{self.server.servers[0].sockets[0].getsockname()[1]}"

    def run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def stop(self) -> None:
        self.server.should_exit = True
        self.serving.result(30)
        self.run(self.house.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory, furnished: tuple[Path, dict[str, str]]
) -> Iterator[Served]:
    """A gateway with a fire in it."""
    folder = tmp_path_factory.mktemp("served")
    registry, keys = furnished
    shutil.copy(registry, folder / "registry.sqlite")
    with pytest.MonkeyPatch.context() as patch:
        # Half of all cases ask for a state that never comes; in the product they are told so after two seconds.
        patch.setattr(Hub.reached, "__defaults__", (0.02,))
        found = Served(House(folder, keys))
        yield found
        found.stop()


SCHEMA = schemathesis.openapi.from_dict(create_app(None).openapi())
NO_END = ("/api/v1/stream",)  # an answer that never ends is tested in test_stream_api
OPERATIONS: list[Any] = [
    o for one in SCHEMA.get_all_operations() if isinstance(one, Ok) and (o := one.ok()).path not in NO_END
]
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda m: m.value)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: o.label)
def test_answers_are_what_the_document_says(served: Served, operation: Any, mode: GenerationMode) -> None:
    """Whatever is asked, by the schema or against it: no 500, only documented statuses, types and shapes."""
    headers = {"Authorization": f"Bearer {served.house.keys['admin']}"}

    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), database=None)
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case: Any) -> None:
        answer = case.call(base_url=served.url, headers=headers)
        case.validate_response(answer, checks=CHECKS)

    try:
        check()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE  # an address without parameters cannot be asked wrongly
