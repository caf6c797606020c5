"""Start several workers of a script on this machine, and start them anew when one dies.

Example: python launch.py --workers 2 -- python prune.py --arch resnet20 --method gfbs --ratio 0.5
Each line of output begins with its worker's number; signals are passed on to all. When a worker
dies by a signal, or asks to be called again (exit code 75), all are stopped and started anew, and
the run goes on from its checkpoint. What a script refuses (any other exit code) ends all.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import BinaryIO

_GUARD = "--guard"
AGAIN = 75  # a script's exit code for "call again": EX_TEMPFAIL of sysexits.h
_PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_LOCK = threading.Lock()


class Group:
    """The workers of one attempt.

    Args:
        command: what each of them runs.
        count: how many there are.
        gpus: numbers of the GPUs to divide among them; empty: each sees all.
        folder: where they may write what they need no longer than they run.
        watch: told the number of each process that is started.
    """

    def __init__(
        self, command: Sequence[str], count: int, gpus: Sequence[str], folder: str,
        watch: Callable[[int], None],
    ):  # fmt: skip
        cluster = {"worker": [f"127.0.0.1:{port}" for port in free_ports(count)]}
        self.processes, self._readers = [], []
        try:
            for number in range(count):
                task = {"cluster": cluster, "task": {"type": "worker", "index": number}}
                own = {"TF_CONFIG": json.dumps(task), "PYTHONUNBUFFERED": "1", "TMPDIR": folder}
                if gpus:
                    own["CUDA_VISIBLE_DEVICES"] = ",".join(gpus[number::count])
                self._start(number, command, own, watch)
        except OSError:
            self.stop(grace=1.0)  # else those before it waited for it for ever
            raise

    def _start(
        self, number: int, command: Sequence[str], own: Mapping[str, str],
        watch: Callable[[int], None],
    ) -> None:  # fmt: skip
        process = subprocess.Popen(  # noqa: S603 - the user's own command
            command,
            env={**os.environ, **own},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a terminal's Ctrl-C comes by way of us, once
        )
        watch(process.pid)
        self.processes.append(process)
        self._readers.append(threading.Thread(target=tell, args=(number, process.stdout)))
        self._readers[-1].start()

    def send(self, number: int) -> None:
        """Send a signal to all that live."""
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, number)

    def wait(self) -> int:
        """Return the exit code of the first that failed, 0 when all have ended well."""
        while True:
            codes = [process.poll() for process in self.processes]
            failed = [code for code in codes if code]
            if failed or None not in codes:
                return failed[0] if failed else 0
            time.sleep(0.1)

    def stop(self, grace: float) -> None:
        """Let all end: those that do not within `grace` seconds are killed."""
        self.send(signal.SIGTERM)
        end = time.monotonic() + grace
        for process in self.processes:
            try:
                process.wait(max(0.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                self.send(signal.SIGKILL)
                process.wait()
        for reader in self._readers:
            reader.join()


class Guard:
    """A process that outlives this one: it ends the workers if we are killed, and cleans up.

    Its input is a pipe that the system closes when we are gone, whatever the cause.

    Args:
        folder: what it removes.
        grace: seconds that it lets the workers end in.
    """

    def __init__(self, folder: str, grace: float):
        self._process = subprocess.Popen(  # noqa: S603 - this very file
            [sys.executable, __file__, _GUARD, folder, str(grace)],
            stdin=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,  # what ends us from a terminal must not end it
        )

    def watch(self, number: int) -> None:
        """Let it end a process group, should we be killed; a negative number: no longer."""
        with contextlib.suppress(BrokenPipeError):  # a run needs no guard to go on
            self._process.stdin.write(f"{number}\n".encode())

    def dismiss(self) -> None:
        """Let it go: all workers have ended."""
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()


def guard(folder: str, grace: str) -> None:
    """Wait until the program that writes to our input is gone; then end what it has told of."""
    groups = watched(sys.stdin)
    for number in (signal.SIGTERM, signal.SIGKILL):
        for group in groups:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, number)
        end = time.monotonic() + float(grace)
        while any(map(lives, groups)) and time.monotonic() < end:
            time.sleep(0.1)
    shutil.rmtree(folder, ignore_errors=True)


def watched(lines: Iterable[str]) -> list[int]:
    """Return the groups that were told of and not dismissed since: numbers are given out again."""
    groups: dict[int, None] = {}
    for number in map(int, lines):
        if number > 0:
            groups[number] = None
        else:
            groups.pop(-number, None)
    return list(groups)


def lives(group: int) -> bool:
    """Return whether there is a process in a group."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def free_ports(count: int) -> list[int]:
    """Return ports on the loopback that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def tell(number: int, stream: BinaryIO) -> None:
    """Copy a worker's output, each line behind its number."""
    for line in stream:
        with _LOCK:
            sys.stdout.write(f"[{number}] {line.decode(errors='replace').rstrip()}\n")
            sys.stdout.flush()


def run(given: argparse.Namespace, folder: str, watch: Callable[[int], None]) -> int:
    """Run the workers to their end, starting them anew where that helps; return the exit code."""
    current: list[Group] = []  # empty while workers are being started
    asked_to_end: list[int] = []
    waiting: list[int] = []  # signals that came in between

    def deliver() -> None:
        while current and waiting:
            current[0].send(waiting.pop(0))

    def pass_on(number: int, frame: object) -> None:
        asked_to_end.append(number)
        waiting.append(number)
        deliver()

    for number in _PASSED_ON:
        signal.signal(number, pass_on)
    code = 0
    for left in range(given.restarts, -1, -1):
        group = Group(given.command, given.workers, given.gpus, folder, watch)
        current[:] = [group]
        deliver()
        code = group.wait()
        group.stop(given.grace)
        for process in group.processes:
            watch(-process.pid)
        current.clear()
        if code == 0 or asked_to_end or (code > 0 and code != AGAIN):
            break
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        what = "all start anew" if left else "no restart is left"
        sys.stdout.write(f"launch.py: a worker ended by {how}; {what}.\n")
    return 128 - code if code < 0 else code


def arguments() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, default=2, help="how many (2)")
    parser.add_argument("--restarts", type=int, default=3, help="how often to start anew (3)")
    parser.add_argument("--grace", type=float, default=30.0, help="seconds to end in (30)")
    parser.add_argument(
        "--gpus", type=lambda text: text.split(","), default=[],
        help="GPUs to divide among the workers, e.g. 0,1,2,3; without it each sees all",
    )  # fmt: skip
    parser.add_argument("command", nargs=argparse.REMAINDER, help="-- python prune.py ...")
    given = parser.parse_args()
    given.command = given.command[1:] if given.command[:1] == ["--"] else given.command
    if not given.command:
        parser.error("expected -- and a command, e.g. -- python prune.py --arch resnet20")
    if shutil.which(given.command[0]) is None:
        parser.error(f"there is no program {given.command[0]!r} to start; write -- python FILE ...")
    if given.workers < 1 or given.restarts < 0:
        parser.error("--workers must be at least 1 and --restarts at least 0")
    if given.gpus and len(given.gpus) < given.workers:
        parser.error(f"--gpus names {len(given.gpus)} GPUs for {given.workers} workers")
    return given


def main() -> None:
    """Run the workers and end with their exit code."""
    if sys.argv[1:2] == [_GUARD]:
        guard(*sys.argv[2:])
        return
    given = arguments()
    with tempfile.TemporaryDirectory(prefix="tfprune-launch-") as folder:
        keeper = Guard(folder, given.grace)
        try:
            code = run(given, folder, keeper.watch)
        except OSError as error:
            sys.stdout.write(f"launch.py: a worker could not be started: {error}\n")
            code = 1
        finally:
            keeper.dismiss()
    sys.exit(code)


if __name__ == "__main__":
    main()
