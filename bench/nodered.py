"""Node-RED beside us: MQTT in, a function that parses and counts, nothing after it; installed from npm for one run."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

from bench.rig import say
from bench.wire import open_wire, publish
from gateway.broker import EmbeddedBroker

PACKAGE: Final = "node-red@4"
INSTALL_S: Final = 180.0
READY_S: Final = 60.0

_SETTINGS: Final = """\
let seen = 0;
module.exports = {
    uiPort: 0, uiHost: "127.0.0.1", httpAdminRoot: false, httpNodeRoot: false, flowFile: "flows.json",
    credentialSecret: false, logging: { console: { level: "error" } },
    functionGlobalContext: { counter: {
        count(topic, said) {
            if (topic === "community/ready") { process.stdout.write("ready\\n"); return; }
            if (said.v === 1 && ++seen === %d) { process.exit(0); }
        } } },
};
"""
_COUNT: Final = "global.get('counter').count(msg.topic, JSON.parse(msg.payload)); return null;"
"""Kinder than a flow that does something: no validation, no rule, no store."""


class NodeRed:
    """An installation in a temporary folder, gone with `close`. `install` needs npm and the network."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="csg-bench-node-red-")
        self.path = Path(self._folder.name)
        self.version = ""

    async def install(self) -> bool:
        """Whether there is one to measure; says why not (a machine without npm or without the network has none)."""
        npm = shutil.which("npm")
        if npm is None or shutil.which("node") is None:
            say("node-red: left out, npm is not installed")
            return False
        say(f"node-red: installing {PACKAGE} ...")
        process = await asyncio.create_subprocess_exec(
            npm, "install", "--no-audit", "--no-fund", "--omit=optional", PACKAGE, cwd=self.path,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        try:
            async with asyncio.timeout(INSTALL_S):
                output, _ = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            say(f"node-red: left out, npm took longer than {INSTALL_S:.0f} s")
            return False
        if process.returncode:
            say(f"node-red: left out, npm said {output.decode(errors='replace')[-300:]}")
            return False
        package = self.path / "node_modules" / "node-red" / "package.json"
        self.version = json.loads(package.read_text())["version"]
        return True

    async def start(self, broker: EmbeddedBroker, count: int) -> asyncio.subprocess.Process:
        """A running Node-RED that is subscribed and ends after `count` messages. Raises TimeoutError."""
        home = self.path / "home"
        home.mkdir()
        account = broker.credentials
        (home / "settings.js").write_text(_SETTINGS % count)
        (home / "flows.json").write_text(json.dumps(_flow(broker.port)))
        (home / "flows_cred.json").write_text(
            json.dumps({"broker": {"user": account.user, "password": account.password}})
        )
        process = await asyncio.create_subprocess_exec(
            "node", str(self.path / "node_modules" / "node-red" / "red.js"), "-u", str(home),
            "-s", str(home / "settings.js"), stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        ask = asyncio.create_task(_until_heard(broker), name="bench.node-red.ready")
        try:
            async with asyncio.timeout(READY_S):
                while (await process.stdout.readline()).strip() != b"ready":
                    pass
        except TimeoutError:
            process.kill()
            raise
        finally:
            ask.cancel()
        return process

    def close(self) -> None:
        self._folder.cleanup()


async def _until_heard(broker: EmbeddedBroker) -> None:
    """Say something again and again: whoever subscribes meanwhile hears it."""
    account = broker.bridge_credentials
    wire = await open_wire("127.0.0.1", broker.port, "bench-ready", account.user, account.password)
    try:
        while True:
            wire.write(publish("community/ready", b"{}", 0, 0))
            await asyncio.sleep(0.2)
    finally:
        wire.close()


def _flow(port: int) -> list[dict[str, Any]]:
    """The MQTT node hands on the text; the function node parses it."""
    return [
        {"id": "tab", "type": "tab", "label": "bench"},
        {"id": "broker", "type": "mqtt-broker", "broker": "127.0.0.1", "port": str(port), "clientid": "bench-node-red",
         "autoConnect": True, "usetls": False, "protocolVersion": "4", "keepalive": "60", "cleansession": True},
        {"id": "in", "type": "mqtt in", "z": "tab", "topic": "community/#", "qos": "1", "datatype": "utf8",
         "broker": "broker", "wires": [["count"]]},
        {"id": "count", "type": "function", "z": "tab", "func": _COUNT, "outputs": 1, "wires": [[]]},
    ]  # fmt: skip
