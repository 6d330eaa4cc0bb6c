"""The single writer: stamps what happens, steps it in memory, and lets nothing out before it is on disk.

No loop, no thread, no clock of its own: `gateway.pump` schedules it live, the simulator drives it by hand. The
order is always submit (stamp and step) -> take -> write (any one thread) -> written (acknowledge and release).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, Protocol

import msgspec

from gateway.clock import Stamper
from gateway.core.compiled import Compiled
from gateway.core.effect import (
    AlarmChanged,
    Answered,
    Ask,
    Command,
    Effect,
    Happened,
    IncidentChanged,
    Notify,
    Publish,
    Result,
    Withdrawn,
)
from gateway.core.event import FORMAT, Clocked, Event, Gap, Replanned, Ticked
from gateway.core.plan import Plan, digest
from gateway.core.state import State, freeze, thaw
from gateway.core.step import advance, bind, wake
from gateway.errors import JournalError
from gateway.journal import Recovered, Row

BACKLOG_EVENTS_MAX: Final = (
    200_000  # unwritten events kept while the disk is away; past it a snapshot replaces them
)
MISSED_MAX: Final = 20_000  # last words on incidents and alarms kept to be said again after such a hole
OUTRANK_MS: Final = 250  # a commit slower than this does not hold back P1 and P2 (design section 3)


class Batch:
    """Events stepped together and written as one row; what they led to waits in it.

    The first `spoken` of `happened` did not wait: what of them may go out before the disk has it is out already.
    """

    __slots__ = ("done", "events", "first", "happened", "offset_ms", "spoken", "tokens", "urgent")

    def __init__(self, first: int, offset_ms: int) -> None:
        self.first, self.offset_ms = first, offset_ms
        self.events: list[tuple[int, Event]] = []
        self.happened: list[Happened] = []
        self.tokens: list[Any] = []
        self.urgent = False
        self.spoken = 0
        self.done = False


class Ledger(Protocol):
    """What the engine needs of a journal; `gateway.journal.Journal` is the real one."""

    def open(self) -> Recovered: ...
    def append(self, row: Row) -> None: ...
    def rows_after(self, seq: int) -> Iterator[Row]: ...
    def save_snapshot(self, seq: int, data: bytes) -> None: ...
    def put_plan(self, digest: str, data: bytes) -> None: ...
    def plan(self, digest: str) -> bytes | None: ...
    def mark_clean(self) -> None: ...
    def close(self) -> None: ...


class Outlet(Protocol):
    """Where released things go. Every call comes from the engine's own thread."""

    def acknowledge(self, tokens: Sequence[Any]) -> None: ...
    def redeliver(self) -> None:
        """Tokens were given up: have everything that is not acknowledged sent again."""
        ...

    def deliver(self, effects: Sequence[Notify | Publish]) -> None: ...
    def command(self, command: Command) -> None: ...
    def withdraw(self, effects: Sequence[str]) -> None: ...
    def ask(self, ask: Ask) -> None: ...
    def answer(self, answered: Answered, seq: int, durable: bool) -> None: ...
    def committed(self, seq: int, news: bool) -> None:
        """The journal reaches to `seq`; with `news` it holds more than measurements since the last time."""
        ...


class Engine:
    """State, plan and journal behind one door. Not thread-safe: only `write` may run elsewhere, one at a time."""

    def __init__(
        self,
        journal: Ledger,
        stamper: Stamper,
        outlet: Outlet,
        compile_plan: Callable[[bytes], Plan],
        boot: str = "0",
        backlog_max: int = BACKLOG_EVENTS_MAX,
    ) -> None:
        self.journal, self.stamper, self.outlet = journal, stamper, outlet
        self._compile_plan, self.boot = compile_plan, boot
        self.state = State()
        self.plan = Compiled(Plan())
        self._open: Batch | None = None
        self._backlog: list[Batch] = []
        self._backlog_max = backlog_max
        self._hole: int | None = None  # the first event whose row was given up
        self._missed: dict[
            str, IncidentChanged | AlarmChanged
        ] = {}  # the last word on each, lost with those rows
        self._unanswered = False  # tokens went with them
        self.durable = True
        self.damaged: list[str] = []  # what the last start could not read of the journal

    # -- start ------------------------------------------------------------------------------------------------

    def start(self, plan: Plan | None) -> bool:
        """Recover what the journal holds, take on `plan`, and say where we were blind. True after a clean stop.

        Without a plan the last one stays in force; a journal that is new has none (`state.plan` is empty then).

        Raises JournalBusy when another engine has the journal.
        """
        found = self.journal.open()
        if found.snapshot is not None:
            self.state = thaw(found.snapshot)
            self._use(self.state.plan)
            bind(self.state, self.plan)
        for row in self.journal.rows_after(self.state.seq):
            self._replay(row)
        # A damaged journal leaps ahead so that no effect's id is ever used twice; what lies between is gone.
        self.state.seq = max(self.state.seq, found.last_seq)
        self.damaged = [
            *found.damaged,
            *(f"events {first} to {last} are missing" for first, last in found.holes),
        ]
        now = self.stamper.resume(self.state.at, self.state.offset_ms, fresh=self.state.seq == 0)
        since = self.state.at
        if self.state.seq and now > since:
            self._push(Gap(None, since, now, "journal damaged" if self.damaged else "not running"))
        elif not self.state.seq:
            self.state.at = now
        self.reclock()
        if plan is not None:
            self.replan(plan)
        return bool(found.clean)

    def _replay(self, row: Row) -> None:
        for index, (at, event) in enumerate(row.events):
            seq = row.first + index
            if seq <= self.state.seq:
                continue
            if type(event) is Replanned:
                self._use(event.digest)
            advance(self.state, self.plan, seq, at, event)

    def _use(self, wanted: str) -> None:
        data = self.journal.plan(wanted)
        if data is not None and wanted != self.plan.digest:
            self.plan = Compiled(self._compile_plan(data), wanted)

    def outbox(self) -> list[Effect]:
        """What is still owed to the world: hand it out again after a start, under the same ids."""
        return list(self.state.outbox.values())

    # -- what happens -----------------------------------------------------------------------------------------

    def submit(self, event: Event, token: Any = None, urgent: bool = False, at: int | None = None) -> None:
        """Stamp and step one event. `token` is acknowledged once it is on disk.

        `at` is a stamp of a moment ago, for whoever submits many at once; an older one than the last is not used.
        """
        state = self.state
        seq = state.seq + 1
        if at is None or at < state.at:
            at = self.stamper.at()
        batch = self._open
        if batch is None:
            batch = self._open = Batch(seq, state.offset_ms)
        happened = advance(state, self.plan, seq, at, event)
        batch.events.append((at, event))
        if happened:
            batch.happened.extend(happened)
            batch.urgent = True
        if urgent:
            batch.urgent = True
        if token is not None:
            batch.tokens.append(token)

    def _push(self, event: Event) -> None:
        self.submit(event, None, True)

    def tick(self) -> None:
        """Let due timers fire, if any are due."""
        due = wake(self.state)
        if due is not None and due <= self.stamper.at():
            self._push(Ticked())

    def due_in_ms(self) -> int | None:
        """How long until `tick` has something to do."""
        due = wake(self.state)
        return None if due is None else max(due - self.stamper.at(), 0)

    def reclock(self) -> None:
        """Say it when UTC and the stamps have come apart (a row holds one offset, so the open one ends first)."""
        correction: Clocked | None = self.stamper.correction(self.state.offset_ms)
        if correction is not None:
            self._close()
            self._push(correction)
            self._close()

    def replan(self, plan: Plan) -> None:
        """From here on `plan` decides. Raises JournalError when it cannot be kept: then the old one stays."""
        name = digest(plan)
        if name == self.state.plan:
            if self.plan.digest != name:
                self.plan = Compiled(plan, name)
            return
        self.journal.put_plan(name, msgspec.msgpack.encode(plan))
        self.plan = Compiled(plan, name)
        self._push(Replanned(name))

    # -- to disk ----------------------------------------------------------------------------------------------

    @property
    def pending(self) -> int:
        """Events stepped and not yet taken for writing."""
        return max(len(self._open.events), len(self._open.tokens)) if self._open else 0

    @property
    def urgent(self) -> bool:
        return bool(self._open and self._open.urgent) or bool(self._backlog)

    def take(self) -> list[Batch]:
        """Everything unwritten, oldest first. Hand it to `write`, then to `written` or `failed`."""
        self._close()
        taken, self._backlog = self._backlog, []
        return taken

    def _close(self) -> None:
        if self._open is not None:
            self._backlog.append(self._open)
            self._open = None

    def write(self, batches: Iterable[Batch]) -> None:
        """Put batches on disk in order; the one call that may run in another thread. Raises JournalError."""
        for batch in batches:
            if batch.events and not batch.done:
                self.journal.append(Row(FORMAT, batch.first, batch.offset_ms, batch.events, batch.happened))
            batch.done = True

    def written(self, batches: Sequence[Batch]) -> None:
        """They are on disk: acknowledge what they held and let out what they led to."""
        self.durable = True
        for batch in batches:
            if batch.tokens:
                self.outlet.acknowledge(batch.tokens)
            self._release(batch.happened[: batch.spoken], durable=True, skip_calls=True)
            self._release(batch.happened[batch.spoken :], durable=True, skip_calls=False)
        if batches:
            last = batches[-1]
            self.outlet.committed(last.first + len(last.events) - 1, any(b.happened for b in batches))

    def attach(self, token: Any) -> None:
        """Acknowledge `token` in its turn: nothing to keep, but MQTT wants acknowledgements in order (4.6.0-2)."""
        if self._open is None:
            self._open = Batch(self.state.seq + 1, self.state.offset_ms)
        self._open.tokens.append(token)

    def overdue(self, batches: Sequence[Batch]) -> None:
        """Writing hangs: P1 and P2 go out now, acts hear "not durable"; nothing is acknowledged."""
        self.durable = False
        for batch in batches:
            fresh, batch.spoken = batch.happened[batch.spoken :], len(batch.happened)
            self._release(fresh, durable=False, skip_calls=False)

    def outrank(self) -> None:
        """While the disk is away: whatever P1 and P2 lead to goes out at once."""
        if self._open is not None and self._open.happened:
            self._close()
        self.overdue(self._backlog)

    def failed(self, batches: Sequence[Batch]) -> None:
        """Writing failed: keep them, in order, for the next try; past the bound only a snapshot can follow."""
        self.overdue(batches)
        done = [b for b in batches if b.done]
        if done:
            self.written(done)
            self.durable = False
        self._backlog = [*(b for b in batches if not b.done), *self._backlog]
        if sum(len(b.events) for b in self._backlog) > self._backlog_max:
            self._drop()

    def _drop(self) -> None:
        """Give up the rows of the backlog: a snapshot will hold what they came to, `mend` says again what counts."""
        self.overdue(self._backlog)
        for batch in self._backlog:
            self._hole = self._hole or batch.first
            self._unanswered = self._unanswered or bool(batch.tokens)
            for item in batch.happened:
                if isinstance(item.result, IncidentChanged | AlarmChanged):
                    name = f"{type(item.result).__name__} {item.result.doc.id}"
                    self._missed.pop(name, None)
                    self._missed[name] = item.result
        for name in list(self._missed)[:-MISSED_MAX]:
            del self._missed[name]
        self._backlog = []

    def mend(self) -> None:
        """The disk is back after a hole: a snapshot of what we know, then the gap, before anything else.

        With the gap goes what followers have missed, and what waited for the disk goes out. Messages that were given
        up were never acknowledged: their brokers are asked for them. Raises JournalError while the disk is not back.
        """
        if self._hole is None:
            return
        self._close()
        self._drop()
        seq = self.state.seq
        self.journal.save_snapshot(seq, freeze(self.state))
        owed = [e for e in self.state.outbox.values() if int(e.id.partition(".")[0]) >= self._hole]
        missed: list[Result] = [*self._missed.values(), *owed]
        self._hole, self._missed = None, {}
        self._push(Gap(None, self.state.at, self.stamper.at(), "journal was away"))
        assert self._open is not None
        self._open.happened[:0] = [Happened(self.state.seq, result) for result in missed]
        self._open.spoken = len(missed)
        if self._unanswered:
            self._unanswered = False
            self.outlet.redeliver()

    def _release(self, happened: Sequence[Happened], *, durable: bool, skip_calls: bool) -> None:
        """Effects in order. Undurable ones carry the boot in their id, and only P1 and P2 go out."""
        effects: list[Notify | Publish] = []
        for item in happened:
            result = item.result
            if isinstance(result, Notify | Publish):
                if durable and not skip_calls:
                    effects.append(result)
                elif not durable and _priority(result) <= 2:
                    effects.append(msgspec.structs.replace(result, id=f"{self.boot}-{result.id}"))
                elif durable and skip_calls and _priority(result) > 2:
                    effects.append(result)
            elif isinstance(result, Answered):
                self.outlet.answer(result, item.seq, durable)
            elif isinstance(result, Withdrawn):
                if effects:
                    self.outlet.deliver(effects)
                    effects = []
                self.outlet.withdraw(result.effects)
            elif isinstance(result, Ask):
                self.outlet.ask(result)
            elif isinstance(result, Command) and not (durable and skip_calls):
                # Without a disk too: whoever presses for a valve to close wants it closed.
                name = result.id if durable else f"{self.boot}-{result.id}"
                self.outlet.command(msgspec.structs.replace(result, id=name))
        if effects:
            self.outlet.deliver(effects)

    def effect_name(self, effect: str) -> str:
        """The core's id of an effect that may have gone out under a boot's name."""
        return effect.removeprefix(f"{self.boot}-")

    def flush(self) -> None:
        """Write everything now, in this thread (start, stop, simulator). Raises JournalError."""
        self.mend()
        batches = self.take()
        try:
            self.write(batches)
        except JournalError:
            self.failed(batches)
            raise
        self.written(batches)

    def stop(self) -> None:
        """A clean stop: everything written, a snapshot, and the mark that says so. Raises JournalError."""
        self.flush()
        self.journal.save_snapshot(self.state.seq, freeze(self.state))
        self.journal.mark_clean()
        self.journal.close()


def _priority(effect: Notify | Publish) -> int:
    if isinstance(effect, Notify):
        return effect.priority
    return effect.doc.priority if effect.doc is not None else 4
