"""The process of up to six cameras: captures, looks, and tells the engine; whatever a broken stream does ends here."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import cv2
import msgspec
import structlog

from devices.discover import discover
from devices.picture.analytic import Plugin
from devices.picture.flicker import NAMES
from gateway.app.child import Orders, run
from gateway.cameras.door import Door, Order, Shown
from gateway.cameras.handover import Keep, Taken
from gateway.cameras.keeping import Keeping, faces_of
from gateway.cameras.lastwords import NOBODY, LastWords
from gateway.cameras.outbox import Outbox
from gateway.cameras.preview import Previewer
from gateway.cameras.slot import Seen, Slot
from gateway.cameras.told import Level, Message
from gateway.cameras.views import KeptView
from gateway.clock import SystemClock
from gateway.config.rulefiles import merged, site_rules
from gateway.config.settings import Settings
from gateway.listen.address import CAMERAS, link_name
from gateway.listen.uplink import Uplink
from gateway.registry.cameras import PICTURED, CameraRecord, read_cameras
from gateway.registry.errors import RegistryError
from gateway.registry.reader import RegistryReader
from gateway.vision.calibrating import CannotCalibrate, read_model

CALIBRATED: Final = "flame.json"
RESTATE_S: Final = 60
REGISTER_S: Final = 2  # how often it is looked whether the register has changed
FLUSH_S: Final = 3.0
KEEPING_MAX: Final = 16  # hand-overs under way; a fire asks each camera once
FAILS_MAX: Final = 5  # analytics begun anew this often without a picture between: the camera has a fault

log = structlog.get_logger(__name__)


class CamerasProcess:
    """Threads: one a camera that grabs, one that looks at what was grabbed, and the loop, which does the talking."""

    def __init__(self, orders: Orders) -> None:
        self.settings = msgspec.msgpack.decode(orders.settings, type=Settings)
        self.data, self.part = Path(orders.data), orders.part
        self.utc_ms = SystemClock().utc_ms
        evidence = self.settings.evidence
        self._keep: Keep = Keeping(
            self.data, self.settings.cameras, merged(site_rules(Path(name) for name in self.settings.rules)[0]),
            self.utc_ms, bytes_max=evidence.bound_bytes, faces=Path(evidence.faces) if evidence.faces else None,
        )  # fmt: skip
        self._previewer = Previewer(lambda: faces_of(Path(evidence.faces)) if evidence.faces else None)
        self._keeping: set[asyncio.Task[None]] = set()
        self.registry = RegistryReader(self.data / "registry.sqlite")
        self.version = -1
        folder = self.data / "cameras"
        self.words = LastWords(folder, self.part)
        self.door = Door(folder / f"{self.part}.sock", self._asked, self._shown)
        self._kept = folder / f"{self.part}.standing"
        self._saved: dict[str, list[Level]] = {}
        self._arrived, self._ending = threading.Event(), False
        plugins: dict[str, Plugin] = dict(discover("devices.vision").available())
        inherited, extra = self._inherited(), _calibrated(folder / CALIBRATED)
        self.slots = [
            Slot(
                camera, plugins, self.utc_ms, self._arrived.set, self.words,
                frozenset(inherited.get(camera.device, ())), extra,
                view=KeptView(folder, camera.device),
            )
            for camera in self.settings.cameras if camera.device in orders.share
        ]  # fmt: skip
        self.fails = dict.fromkeys(orders.share, 0)

    async def main(self, stop: asyncio.Event) -> None:
        """Look until stopped."""
        now = self.utc_ms()
        apart = self.words.sentence(now)
        for slot in self.slots:
            if (culprit := apart.get(slot.camera.device)) is not None and culprit.until > now:
                log.error("camera kept apart: it ended the last process", camera=slot.camera.device,
                          deaths=culprit.deaths, for_s=(culprit.until - now) // 1000)  # fmt: skip
                slot.apart_until = culprit.until
        self.words.listen()
        cv2.setNumThreads(1)
        self.loop = asyncio.get_running_loop()
        self.uplink = Uplink(self.data / "engine.sock")
        self.outbox = Outbox(self.uplink)
        await self.door.open()
        tasks: list[asyncio.Task[Any]] = [
            asyncio.create_task(work, name=f"cameras.{name}")
            for name, work in (
                ("uplink", self.uplink.run()),
                ("outbox", self.outbox.run()),
                ("clock", self._clock()),
            )
        ]
        threading.Thread(target=self._look, name="cameras.analyst", daemon=True).start()
        stopped = asyncio.create_task(stop.wait(), name="cameras.stop")
        done, _ = await asyncio.wait([stopped, *tasks], return_when=asyncio.FIRST_COMPLETED)
        self._ending = True
        await self.door.close()
        await self.outbox.flushed(FLUSH_S)
        self.uplink.say({}, {})
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for task in done - {stopped}:
            task.result()
            raise RuntimeError(f"{task.get_name()} ended")
        stopped.cancel()
        self._save()
        self.words.close()
        # A thread inside a decoder would be torn out of it by an ordinary exit; what matters is on disk.
        os._exit(0)

    async def _clock(self) -> None:
        """Once a second, everything that time brings."""
        second = 0
        while True:
            now = self.utc_ms()
            if second % REGISTER_S == 0:
                self._register(now)
            for slot in self.slots:
                self._send(slot, slot.second(now))
                if slot.hung:
                    log.error(
                        "a call into the decoder hangs: the process starts anew", camera=slot.camera.device
                    )
                    self.words.hung(slot.camera.device)
                    self._save()
                    os._exit(1)
                if second % RESTATE_S == RESTATE_S - 1:
                    self._send(slot, slot.told.restate(now))
                    slot.calendar(self._minute(slot, now))
            self._say()
            self._save()
            second += 1
            await asyncio.sleep(1.0)

    def _register(self, now: int) -> None:
        try:
            version = self.registry.version()
            if version == self.version:
                return
            known = read_cameras(self.registry.path)
        except RegistryError as error:
            log.warning("the register cannot be read", reason=str(error))
            return
        self.version = version
        for slot in self.slots:
            record = known.get(slot.camera.device, CameraRecord())
            if record != slot.record or slot.told.says("camera_registered") is None:
                self._send(slot, slot.registered(record, now))
                slot.calendar(self._minute(slot, now))
                log.info("camera", camera=slot.camera.device, state=slot.state)

    def _minute(self, slot: Slot, now: int) -> int:
        """The minute of the week where the camera hangs, 0 on Monday 00:00."""
        zones = (s.time_zone for s in self.settings.sources if s.name == slot.camera.source)
        local = datetime.fromtimestamp(now / 1000, ZoneInfo(next(zones, "Asia/Shanghai")))
        return local.weekday() * 1440 + local.hour * 60 + local.minute

    def _send(self, slot: Slot, messages: Iterable[Message]) -> None:
        for message in messages:
            self.outbox.put(slot.camera.source, slot.camera.native, message)

    def _say(self) -> None:
        """For health and metrics: the ways in, and what was counted, by source."""
        counts: dict[str, dict[str, int]] = {}
        for slot in self.slots:
            figures = counts.setdefault(slot.camera.source, {"pictures": 0})
            figures["pictures"] += slot.looked
        self.uplink.say({link_name(source, CAMERAS): "up" for source in counts}, counts)

    # -- what stood when a process ended ----------------------------------------------------------------------

    def _inherited(self) -> dict[str, list[Level]]:
        try:
            return msgspec.json.decode(self._kept.read_bytes(), type=dict[str, list[tuple[str, str]]])
        except (OSError, msgspec.DecodeError):
            return {}

    def _save(self) -> None:
        standing = {slot.camera.device: sorted(slot.told.standing) for slot in self.slots}
        if standing == self._saved:
            return
        try:
            new = self._kept.with_suffix(".new")
            new.write_bytes(msgspec.json.encode(standing))
            new.replace(self._kept)
        except OSError as error:  # a full disk costs the memory of one restart
            log.warning("cannot keep what stands", reason=str(error))
        else:
            self._saved = standing

    # -- pictures ---------------------------------------------------------------------------------------------

    def _asked(self, native: str, order: Order) -> str:
        """The engine asks for something: "" when it is done, else why not."""
        slot = next((s for s in self.slots if s.camera.native == native), None)
        if slot is None or order.name != "snapshot":
            return "unknown"
        if not slot.record.shared:
            return "not-shared"
        taken = slot.pulled(order.at, order.args)
        if taken is None:
            return "no-picture"
        self._hand_over(taken)
        return ""

    async def _shown(self, native: str) -> Shown | str:
        """The view asks for a look: a masked picture, or why there is none."""
        slot = next((s for s in self.slots if s.camera.native == native), None)
        return "unknown" if slot is None else await self._previewer.show(slot)

    def _hand_over(self, taken: Taken | None) -> None:
        if taken is None:
            return
        if len(self._keeping) >= KEEPING_MAX:
            log.warning("pictures left out: too many at once", camera=taken.device, type=taken.type)
            return
        task = asyncio.create_task(self._hand(taken), name="cameras.keep")
        self._keeping.add(task)
        task.add_done_callback(self._keeping.discard)

    async def _hand(self, taken: Taken) -> None:
        try:
            await asyncio.to_thread(self._keep, taken)
        except (OSError, ValueError) as error:
            log.warning("pictures not kept", camera=taken.device, type=taken.type, reason=str(error)[:200])

    # -- the analyst ------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Its thread: the newest picture of each camera in turn, so a busy one delays the others by one picture."""
        self.words.entered(NOBODY)
        while not self._ending:
            self._arrived.wait(1.0)
            self._arrived.clear()
            for slot in self.slots:
                try:
                    seen = slot.analyse()
                except Exception:  # codec isolation: one camera's analytics must not stop the others
                    log.exception("analytics failed", camera=slot.camera.device)
                    self._later(self._failed, slot)
                    continue
                if seen is not None:
                    self._later(self._seen, slot, seen)

    def _later(self, *call: Any) -> None:
        if not self._ending:
            self.loop.call_soon_threadsafe(*call)

    def _seen(self, slot: Slot, seen: Seen) -> None:
        self.fails[slot.camera.device] = 0
        self._send(slot, slot.seen(seen))
        if slot.snoozed(seen.at):
            return
        for plugin, sight in seen.sights:
            if sight.end is None and sight.type in PICTURED:
                began = seen.at - max(round(time.monotonic() * 1000) - sight.start, 0)
                self._hand_over(slot.saw(plugin, sight, began))

    def _failed(self, slot: Slot) -> None:
        self.fails[slot.camera.device] += 1
        if self.fails[slot.camera.device] >= FAILS_MAX:
            self._send(slot, slot.told.status({"fault": True}, self.utc_ms()))
        slot.restarted()


def _calibrated(file: Path) -> dict[str, dict[str, Any]]:
    """A site's own weights for the flame's likeness, where `csg vision calibrate` has written some."""
    if not file.exists():
        return {}
    try:
        model = read_model(file)
        if model.features != NAMES:
            raise CannotCalibrate(f"{file}: of another version; calibrate again")
    except CannotCalibrate as error:
        log.error("the shipped weights are used", reason=str(error))
        return {}
    return {"flame": {"model": model}}


async def _main(orders: Orders, stop: asyncio.Event) -> None:
    await CamerasProcess(orders).main(stop)


if __name__ == "__main__":
    run(_main)
