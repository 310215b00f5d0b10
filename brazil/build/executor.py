"""Walks a Plan: for each Step complete its inputs, look its Key up, else run it, keep what came of it.

Invariants: a Step runs only when every Step it needs succeeded, and sees exactly the artifacts those left; a Key
is run once at a time among all processes; a result is remembered only after everything it names is in the store;
every run, also a failed one, is recorded. Workers are threads, because the work is done by other processes and in
hashing, which both leave the interpreter free; they live until the Plan has ended, because the sandbox ends a run
with the thread that started it.
"""

import os
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from brazil.build.layout import Layouts
from brazil.events import Emit, Note, PlanReady, StepCached, StepFailed, StepFinished, StepSkipped, StepStarted
from brazil.model.action import ActionResult, RunRecord, SandboxRequest, SandboxResult, Snapshot, StepId, StepKind
from brazil.model.digest import Digest
from brazil.model.names import Interface
from brazil.plan.key import KeyedStep, key_step, output_path
from brazil.plan.planner import Plan, Step
from brazil.plan.state import GOOD_ENDS, Progress, State
from brazil.ports import ActionCache, ContentStore, FailedRuns, RunRecords, Sandbox

LARGEST_OUTPUT = 8 << 30  # bytes
LARGEST_LOG = 64 << 20  # bytes
_LOOK = 0.2  # seconds; a signal that comes right before a wait does not end it, and would be seen after the build only
TAIL = 20  # lines of a failed Step's log that are shown


class Outcome(NamedTuple):
    """How one Step ended."""

    step: StepId
    state: State  # REMEMBERED, SUCCEEDED, FAILED or SKIPPED
    snapshot: Snapshot | None = None  # None: skipped
    output: Digest | None = None  # artifact of a build, report of a test run; None: failed or skipped
    report: Digest | None = None  # what a test run that failed left in its report
    log: Digest | None = None
    seconds: float = 0.0
    cause: str = ""  # why it failed; the first line says it, and its log has the others as well
    because: StepId | None = None  # the Step it was skipped for
    reasons: tuple[str, ...] = ()  # why it ran; empty: nothing ran


class _Stopped(Exception):  # noqa: N818 - not an error: the walk ends while a Step waits
    """The walk was ended by another Step or by the user."""


class Machine(NamedTuple):
    """Everything that running Steps takes."""

    store: ContentStore
    actions: ActionCache
    sandbox: Sandbox
    records: RunRecords
    jobs: int  # Steps at a time
    failed: FailedRuns


class Execution:
    """One walk of one Plan."""

    def __init__(
        self,
        plan: Plan,
        machine: Machine,
        *,
        previous: Mapping[StepId, Snapshot],
        earlier_outputs: Mapping[StepId, Digest],
        keep_going: bool,
        emit: Emit,
        keep_for: str = "",
    ) -> None:
        """Prepare a walk.

        Args:
            plan: what to do.
            machine: what to do it with.
            previous: what each Step read the time before, for reasons.
            earlier_outputs: what each Step gave the time before, for telling that nothing changed.
            keep_going: after a failure go on with whatever does not need what failed.
            emit: listener; called from one thread at a time.
            keep_for: workspace that what failed Steps leave is kept for; empty: it is removed.
        """
        self._plan = plan
        self._machine = machine
        self._previous = previous
        self._earlier_outputs = earlier_outputs
        self._keep_going = keep_going
        self._keep_for = keep_for
        self._emit_unlocked = emit
        self._emit_lock = threading.Lock()
        self._stopping = threading.Event()
        self._layouts = Layouts(machine.store)
        # Written by the thread that ends a Step before any Step that needs it is handed out.
        self._artifacts: dict[Interface, Digest] = dict(plan.artifacts)

    def run(self) -> dict[StepId, Outcome]:
        """Carry the Plan out.

        Returns:
            What became of every Step, in the order of the Plan.

        Raises:
            BrazilError: something other than a package's own build failed; what runs is ended first.
        """
        needs = tuple(step.needs for step in self._plan.steps.values())
        self._emit(PlanReady(tuple(self._plan.steps), needs, self._earlier_seconds))
        progress = Progress(self._plan, keep_going=self._keep_going)
        todo: queue.SimpleQueue[StepId | None] = queue.SimpleQueue()
        done: queue.SimpleQueue[Outcome | BaseException] = queue.SimpleQueue()
        count = max(1, min(self._machine.jobs, len(self._plan.steps)))
        workers = [threading.Thread(target=self._work, args=(todo, done), daemon=True) for _ in range(count)]
        for worker in workers:
            worker.start()
        outcomes: dict[StepId, Outcome] = {}
        idle = count
        try:
            while progress.unfinished:
                while idle and (step := progress.take()):
                    todo.put(step)
                    idle -= 1
                outcome = _take(done)
                idle += 1
                if isinstance(outcome, BaseException):
                    raise outcome
                self._settle(outcome, progress, outcomes)
        except BaseException:
            self._stopping.set()
            self._machine.sandbox.stop()
            raise
        finally:
            for _ in workers:
                todo.put(None)
            for worker in workers:
                worker.join()
        return {step: outcomes[step] for step in self._plan.steps}

    def _earlier_seconds(self, step: StepId) -> float | None:
        """How long the newest run took that gave what a Step was before."""
        before = self._previous.get(step)
        return newest_seconds(self._machine.records.runs(before.action)) if before else None

    def _settle(self, outcome: Outcome, progress: Progress, outcomes: dict[StepId, Outcome]) -> None:
        outcomes[outcome.step] = outcome
        if outcome.state in GOOD_ENDS and outcome.step.kind is StepKind.BUILD and outcome.output:
            self._artifacts[outcome.step.interface] = outcome.output
        for skipped, because in progress.end(outcome.step, outcome.state):
            outcomes[skipped] = Outcome(skipped, State.SKIPPED, because=because)
            self._emit(StepSkipped(skipped, because))

    def _work(
        self, todo: "queue.SimpleQueue[StepId | None]", done: "queue.SimpleQueue[Outcome | BaseException]"
    ) -> None:
        while (step := todo.get()) is not None:
            try:
                done.put(self._do(self._plan.steps[step]))
            except BaseException as error:  # handed to the thread that owns the walk, which raises it
                done.put(error)

    def _do(self, step: Step) -> Outcome:
        layouts = {member: self._layouts.of(self._artifacts[member]) for member in step.members}
        keyed = key_step(step, self._artifacts, layouts, self._machine.sandbox.platform)
        snapshot = Snapshot(step.id, keyed.key, self._machine.sandbox.platform, keyed.inputs)
        remembered = self._remembered(step, snapshot)
        if remembered:
            return remembered
        owner = f"process {os.getpid()}, {step.id}"
        with self._machine.actions.claim(keyed.key, owner, self._waiting(step)):
            # Somebody else may have run it while we waited.
            return self._remembered(step, snapshot) or self._run(step, keyed, snapshot)

    def _waiting(self, step: Step) -> Callable[[str], None]:
        told: set[str] = set()

        def tell(owner: str) -> None:
            if self._stopping.is_set():
                raise _Stopped
            if owner and owner not in told:  # empty for the moment between holding a claim and saying so
                told.add(owner)
                self._emit(Note("wait", f"{step.id} waits for {owner}, which runs the same"))

        return tell

    def _remembered(self, step: Step, snapshot: Snapshot) -> Outcome | None:
        result = self._machine.actions.get(snapshot.action)
        output = usable_output(step, result, self._machine.store)
        if not result or output is None:
            return None
        self._emit(StepCached(step.id, snapshot.action))
        return Outcome(step.id, State.REMEMBERED, snapshot, output, log=result.log)

    def _run(self, step: Step, keyed: KeyedStep, snapshot: Snapshot) -> Outcome:
        for blob in keyed.blobs:  # what is above the inputs follows from the Snapshot: three files less for each Step
            self._machine.store.write(blob)
        why = reasons(snapshot, self._previous.get(step.id))
        self._emit(StepStarted(step.id, keyed.key, why))
        request = sandbox_request(step, keyed, self._keep_for)
        result = self._machine.sandbox.run(request)
        self._record(snapshot, result)
        seconds = result.seconds
        output = dict(result.outputs).get(output_path(step))
        if not result.succeeded or output is None:
            return self._failed(step, snapshot, result, seconds)._replace(reasons=why)
        self._machine.actions.put(
            keyed.key, ActionResult(0, result.outputs, result.log, result.started, result.finished)
        )
        same = self._earlier_outputs.get(step.id) == output
        self._emit(StepFinished(step.id, keyed.key, seconds, same))
        return Outcome(step.id, State.SUCCEEDED, snapshot, output, log=result.log, seconds=seconds, reasons=why)

    def _failed(self, step: Step, snapshot: Snapshot, result: SandboxResult, seconds: float) -> Outcome:
        causes = {
            "timeout": f"time limit of {step.timeout} s",
            "output": f"output larger than {LARGEST_OUTPUT >> 30} GiB",
            "interrupt": "interrupted",
            "refused": result.cause,
        }
        cause = causes.get(result.ended_by, f"exit code {result.exit_code}")
        lines = self._machine.store.read(result.log).decode(errors="replace").splitlines()
        tail = "\n".join(lines[-TAIL:])
        self._emit(StepFailed(step.id, snapshot.action, seconds, cause, tail, max(len(lines) - TAIL, 0)))
        report = dict(result.outputs).get(output_path(step)) if step.id.kind is StepKind.TEST else None
        return Outcome(step.id, State.FAILED, snapshot, None, report, result.log, seconds, cause)

    def _record(self, snapshot: Snapshot, result: SandboxResult) -> None:
        self._machine.records.add(RunRecord(snapshot, result, self._machine.sandbox.isolation))

    def _emit(
        self, event: PlanReady | StepCached | StepStarted | StepFinished | StepFailed | StepSkipped | Note
    ) -> None:
        with self._emit_lock:
            self._emit_unlocked(event)


def sandbox_request(step: Step, keyed: KeyedStep, keep_for: str = "") -> SandboxRequest:
    """Say how a Step runs.

    Args:
        step: what.
        keyed: the same with its inputs.
        keep_for: workspace that the tree is kept for when it fails; empty: it is removed.
    """
    inputs = dict(keyed.inputs)
    return SandboxRequest(
        label=str(step.id),
        action=keyed.key,
        command=keyed.command,
        source=inputs.pop("src"),
        inputs=tuple(inputs.items()),
        timeout=step.timeout,
        largest_output=LARGEST_OUTPUT,
        largest_log=LARGEST_LOG,
        keep_failed=step.id.kind is StepKind.TEST,
        keep_for=keep_for,
    )


def _take(done: "queue.SimpleQueue[Outcome | BaseException]") -> "Outcome | BaseException":
    """Wait for the end of a Step."""
    while True:
        with suppress(queue.Empty):
            return done.get(timeout=_LOOK)


def newest_seconds(runs: Sequence[RunRecord]) -> float | None:
    """Return how long the newest of the runs that succeeded took; None when none did."""
    took = [run.result.seconds for run in runs if run.result.succeeded]
    return took[-1] if took else None


def usable_output(step: Step, result: ActionResult | None, store: ContentStore) -> Digest | None:
    """Return what a remembered result of a Step left, if the store has all of it."""
    output = dict(result.outputs).get(output_path(step)) if result else None
    return output if output is not None and store.has_tree(output) else None


def reasons(now: Snapshot, before: Snapshot | None) -> tuple[str, ...]:
    """Say why a Step is not what it was before: which inputs changed, by name, with old and new digest."""
    if before is None:
        return ("never run before",)
    old, new = dict(before.inputs), dict(now.inputs)
    found = []
    for path in sorted(old.keys() | new.keys()):
        name = "source" if path == "src" else path.removeprefix("pkg/")
        if path not in old:
            found.append(f"{name} is new: {new[path].hash[:8]}")
        elif path not in new:
            found.append(f"{name} is gone")
        elif old[path] != new[path]:
            found.append(f"{name} changed: {old[path].hash[:8]} -> {new[path].hash[:8]}")
    if now.platform != before.platform:
        found.append(f"the platform changed: {before.platform.digest[:8]} -> {now.platform.digest[:8]}")
    if not found:
        found.append(
            "its result is not in the store" if now.action == before.action else "its command or environment changed"
        )
    return tuple(found)
