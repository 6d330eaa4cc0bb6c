"""The duty page in a real browser on a real gateway: what a newcomer sees, and what a tired person must never miss."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, Queue
from threading import Thread

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.parts import require, until

ROOT = Path(__file__).parents[2]
DIST = ROOT / "dashboards" / "web" / "dist"
LINK = re.compile(r"http://\S+/#/enter/\S+")
START_S = 60.0  # cold, on a machine with other work
SEEN_MS = 30_000  # what the first screen promises after the link appeared

CSG = (sys.executable, "-c", "from gateway.cli import main; main()")


class Demo:
    """`csg demo` as a process of its own group, with the link it prints."""

    def __init__(self, data: Path) -> None:
        self.process = subprocess.Popen(
            [*CSG, "demo", "--data", str(data), "--port", "0"],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True,
        )  # fmt: skip
        lines: Queue[str] = Queue()
        out = self.process.stdout
        assert out is not None

        def read() -> None:
            for line in out:
                lines.put(line)

        self._out, self._reader = out, Thread(target=read, name="demo.out", daemon=True)
        self._reader.start()
        self.said: list[str] = []
        self._lines = lines
        self.link = until(self._link, "the sign-in link on the terminal", within_s=START_S)
        self.url = self.link.partition("#")[0]

    def _link(self) -> str:
        """Empty until it was printed."""
        assert self.process.poll() is None, "".join(self.said)
        try:
            self.said.append(self._lines.get(timeout=0.1))
        except Empty:
            return ""
        found = LINK.search(self.said[-1])
        return found.group() if found else ""

    def child(self, part: str) -> int:
        """The process id of a child by the module it runs."""
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue  # ended while we looked
            if parent == self.process.pid and part.encode() in words:
                return int(folder.name)
        raise LookupError(part)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise
        finally:
            self._reader.join(5)
            self._out.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium without a window. Sound may start without a touch only where a test says so."""
    program = require("chromium")
    if not (DIST / "index.html").is_file():
        reason = "the web pages are not built (make setup)"
        if os.environ.get("CSG_REQUIRE_ALL") == "1":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu", "--mute-audio"]
        )
        yield found
        found.close()


@pytest.fixture(scope="module")
def demo(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    running = Demo(tmp_path_factory.mktemp("demo"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
    yield made
    made.close()


@pytest.fixture(scope="module")
def troubles() -> list[str]:
    """What the browser complained of on the page."""
    return []


@pytest.fixture(scope="module")
def page(context: BrowserContext, demo: Demo, troubles: list[str]) -> Page:
    """The page a newcomer opens with the printed link; it stays for all the tests below, in their order."""
    opened = context.new_page()
    opened.on("console", lambda m: troubles.append(m.text) if m.type == "error" else None)
    opened.on("pageerror", lambda e: troubles.append(str(e)))
    opened.goto(demo.link)
    return opened


def test_a_newcomer_sees_a_fire_without_touching_anything(page: Page) -> None:
    """Within half a minute: place, 火警, its age, who was told; marked as simulated; and that there is no sound yet."""
    expect(page.locator("[data-test=what]")).to_contain_text("火警", timeout=SEEN_MS)
    expect(page.locator("[data-test=place]")).to_contain_text("1号楼")
    expect(page.locator("[data-test=hero]")).to_contain_text("【模拟】")
    expect(page.locator("[data-test=handling]")).to_have_text("待接警")
    expect(page.locator("[data-test=opened]")).to_have_text(re.compile(r"^\d\d:\d\d:\d\d$"))
    expect(page.locator("[data-test=chain] tbody tr").first).to_be_visible()
    expect(page.locator("[data-test=chain]")).to_contain_text("尚无人接警")
    expect(page.locator("[data-test=sound-on]")).to_be_visible()
    expect(page.locator("[data-test=stale]")).to_have_count(0)
    assert "enter" not in page.url, "the token must leave the address bar"


def test_sound_counts_as_on_only_when_somebody_has_heard_it(page: Page) -> None:
    """The bar stays until the test sound was played and a person said that they heard it."""
    page.locator("[data-test=sound-on]").click()
    page.get_by_role("button", name="没听到").click()
    expect(page.locator("[data-test=sound-on]")).to_be_visible()
    page.locator("[data-test=sound-on]").click()
    page.locator("[data-test=heard]").click()
    expect(page.get_by_text("正在响铃")).to_be_visible()


def test_a_second_detector_confirms_and_widens_the_circle(page: Page) -> None:
    """多点报警 without anybody's doing, and more people told than at first."""
    expect(page.locator("[data-test=what]")).to_contain_text("多点报警", timeout=SEEN_MS)
    assert page.locator("[data-test=chain] tbody tr").count() > 2


def test_muting_ends_the_sound_and_nothing_else(page: Page) -> None:
    """M: 已消音 with a countdown; it is still 待接警 and the next call still comes."""
    page.keyboard.press("m")
    expect(page.locator("[data-test=mute-left]")).to_contain_text("秒后恢复响铃")
    expect(page.locator("[data-test=handling]")).to_have_text("待接警")
    expect(page.locator("[data-test=next]")).to_contain_text("秒后通知")
    expect(page.get_by_text("声音已开启")).to_be_visible()


def test_taking_stops_the_calls_and_gives_no_verdict(page: Page) -> None:
    """T: 已接警, nobody further is called, and whether it is real is still open."""
    page.keyboard.press("t")
    expect(page.locator("[data-test=handling]")).to_have_text("已接警")
    expect(page.locator("[data-test=back-left]")).to_contain_text("秒内无人到场将退回重呼")
    expect(page.locator("[data-test=next]")).to_contain_text("不再逐级上报")
    expect(page.locator("[data-test=what]")).to_contain_text("多点报警")
    expect(page.locator("[data-test=real] button")).to_have_attribute("aria-disabled", "false")


def test_real_needs_two_presses(page: Page) -> None:
    """One R changes nothing but the key's own words."""
    page.keyboard.press("r")
    expect(page.locator("[data-test=real] button")).to_contain_text("再按一次")
    expect(page.locator("[data-test=what]")).to_contain_text("多点报警")


def test_a_false_alarm_needs_a_cause(page: Page) -> None:
    """F asks; without a cause nothing is sent; with one the incident says 误报 and why."""
    page.keyboard.press("f")
    page.wait_for_timeout(600)  # the dialog passes over presses that bounced from opening it
    page.locator("[data-test=send-false]").click(force=True)
    expect(page.locator("[data-test=what]")).to_contain_text("多点报警")
    page.keyboard.press("1")
    page.locator("[data-test=send-false]").click()
    expect(page.locator("[data-test=what]")).to_contain_text("误报")
    expect(page.locator("[data-test=hero]")).to_contain_text("烹饪油烟")


def test_every_page_opens_in_both_languages(page: Page) -> None:
    """Devices with values, parts with their health, notices with their text; English at one press and back."""
    for name, text in (
        ("devices", "独立式感烟火灾探测报警器"),
        ("health", "报警处理正常"),
        ("notices", "火警"),
    ):
        page.evaluate(f"location.hash = '#/{name}'")
        expect(page.locator("main")).to_contain_text(text)
    page.evaluate("location.hash = '#/'")
    page.get_by_role("button", name="English").click()
    expect(page.locator("[data-test=what]")).to_contain_text("Fire alarm")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.get_by_role("button", name="中文").click()


def test_nothing_runs_over_the_edge_of_a_phone(page: Page) -> None:
    """390 px: no sideways scrolling, and keys a thumb can hit."""
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    boxes = [button.bounding_box() for button in page.get_by_role("button").all()]
    assert [b for b in boxes if b is not None and b["height"] < 44] == []
    page.set_viewport_size({"width": 1440, "height": 900})


def test_a_view_that_hangs_is_seen_as_old_data_and_recovers(page: Page, demo: Demo) -> None:
    """The process behind the page is stopped: within half a minute the page says how old its data is; then it lives."""
    view = demo.child("gateway.app.view")
    os.kill(view, signal.SIGSTOP)
    try:
        expect(page.locator("[data-test=stale]")).to_contain_text("未更新", timeout=30_000)
        expect(page.locator("[data-test=stale]")).to_contain_text("最后更新")
    finally:
        try:
            os.kill(view, signal.SIGCONT)
        except ProcessLookupError:
            pass  # its supervisor has replaced it by now, which is as good
    expect(page.locator("[data-test=stale]")).to_have_count(0, timeout=40_000)


def test_the_policy_of_the_page_stops_nothing_it_needs(page: Page, troubles: list[str]) -> None:
    """No script, style or sound was refused by the content security policy, and nothing was thrown."""
    expect(page.locator("header")).to_be_visible()
    hung = ("Failed to load resource", "net::ERR")  # while the process behind the page was stopped
    assert [t for t in troubles if not any(h in t for h in hung)] == []


def test_the_link_opens_nothing_twice(browser: Browser, demo: Demo) -> None:
    """A used link leads to the sign-in form, with the reason."""
    stranger = browser.new_context(locale="zh-CN")
    page = stranger.new_page()
    page.goto(demo.link)
    expect(page.get_by_role("alert")).to_contain_text("已用过")
    expect(page.locator("[data-test=hero]")).to_have_count(0)
    stranger.close()
