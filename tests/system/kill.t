#!/usr/bin/python3
"""SIGKILL to a random rank, or to mpirun with all ranks, at random moments; resumed with other numbers of ranks until
the sweep is complete; the file must be whole at each step and in the end the one of an undisturbed run. At least 30
kills that hit; three sweeps go on at a time, as most of it is waiting. NSW_TEST_SEED chooses another order of events."""
# tests/run: in turn

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time

import h5py

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from sweeps import ENV, Folder, command, different, finish, report, run  # noqa: E402

KILLS = 32
ABREAST = 3
ROWS = 250
SECONDS = 200  # enough for them on a machine with many times its load
WORK = ["score", "nb201", "--proxy", "dummy,random,sed", "--seed", "1,2", "--sample", str(ROWS), "--progress", "0",
        "--retries", "0", "--set", "dummy.spread=0.5"]


def processes():
    """{pid: (parent, rank or None)} of all processes that can be read."""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat") as f:
                parent = int(f.read().rpartition(")")[2].split()[1])
            with open(f"/proc/{name}/environ", "rb") as f:
                rank = [v for v in f.read().split(b"\0") if v.startswith(b"OMPI_COMM_WORLD_RANK=")]
            found[int(name)] = (parent, int(rank[0].partition(b"=")[2]) if rank else None)
        except (OSError, ValueError, IndexError):
            continue
    return found


def ranks_of(mpirun):
    """Process ids of the ranks that this mpirun started (their witnesses are children of theirs)."""
    return [pid for pid, (parent, rank) in processes().items() if parent == mpirun and rank is not None]


def writer(out):
    """Process id of the rank that has the file's lock, or had it when it was killed."""
    try:
        with open(out + ".lock") as f:
            return int(f.read().split()[1])
    except (OSError, ValueError, IndexError):
        return None


def strike(process, ranks, out, chance):
    """Kills, and says whether there was something to kill. MPI has to have started on all ranks: one that dies before
    makes Open MPI 4.1's mpirun wait for ever. The moment is counted from there, so that a busy machine, on which they
    start late, is hit as often."""
    victims = []
    while process.poll() is None and (len(victims) < ranks or writer(out) not in victims):
        time.sleep(0.01)
        victims = ranks_of(process.pid)
    until = time.monotonic() + chance.uniform(0, 0.7)
    while time.monotonic() < until and process.poll() is None:
        time.sleep(0.005)
    if process.poll() is not None:
        return False
    if chance.random() < 0.2:  # power: everything at once
        for pid in [process.pid, *victims]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
    else:
        try:
            os.kill(chance.choice(victims), signal.SIGKILL)
        except ProcessLookupError:
            return False
    return True


def whole(path):
    """What is wrong with the file, or None."""
    if not os.path.exists(path):
        return None
    try:
        with h5py.File(path, "r") as f:
            return None if len(f["nb201/status/dummy"][:]) == ROWS and f.attrs["format_version"] == 1 else "other shape"
    except (OSError, KeyError) as error:
        return str(error)


def settle(process):
    """Waits for the end; whether mpirun had to be killed although its ranks were dead."""
    try:
        process.wait(timeout=20)
        return False
    except subprocess.TimeoutExpired:
        alive = ranks_of(process.pid)
        for pid in [process.pid, *alive]:
            os.kill(pid, signal.SIGKILL)
        process.wait()
        return True


def sweep_under_fire(folder, number, chance, deadline, reference):
    """One sweep to its end: the number of kills it survived, and what is to be reported of it."""
    out, kills, stuck, broken = f"{folder}/fire{number}.h5", 0, 0, []
    for _ in range(40):
        if time.monotonic() > deadline:
            break
        ranks = chance.choice([1, 2, 3, 4])
        process = subprocess.Popen(command(ranks, *WORK, "--out", out, "--checkpoint", "0.1"), env=ENV,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        kills += strike(process, ranks, out, chance)
        stuck += settle(process)
        problem = whole(out)
        if problem:
            broken.append(problem)
        if process.returncode == 0:
            break
    p = run(2, *WORK, "--out", out)
    left = [name for name in os.listdir(folder) if name.startswith(f"fire{number}.h5") and name != f"fire{number}.h5"]
    apart = different(reference, out)
    return kills, [
        (p.returncode == 0 and not broken, f"sweep {number}: whole after each of {kills} kills, completed", broken or p.stderr),
        (not apart, f"sweep {number}: the file of an undisturbed run", apart),
        (not stuck, f"sweep {number}: each kill ended the job", f"{stuck} times mpirun had to be killed too"),
        (not left, f"sweep {number}: nothing is left beside it", left)]


class Range:
    """Sweeps under fire, one after the other on each of several threads, until there were kills enough."""

    def __init__(self, folder, seed, reference):
        self.folder, self.seed, self.reference = folder, seed, reference
        self.deadline, self.lock = time.monotonic() + SECONDS, threading.Lock()
        self.kills, self.begun, self.said, self.trouble = 0, 0, [], []

    def shoot(self):
        while True:
            with self.lock:
                if self.kills >= KILLS or time.monotonic() > self.deadline:
                    return
                self.begun += 1
                number = self.begun
            try:
                kills, said = sweep_under_fire(self.folder, number, random.Random(self.seed * 1000 + number), self.deadline,
                                               self.reference)
            except Exception as error:  # a thread's own end would not be seen
                self.trouble.append(f"sweep {number}: {error!r}")
                return
            with self.lock:
                self.kills += kills
                self.said += said


def main():
    if not shutil.which("mpirun") or not os.path.isdir("/proc/self"):
        print("1..0 # SKIP no mpirun or no /proc")
        return
    with Folder() as folder:
        reference = f"{folder}/reference.h5"
        p = run(3, *WORK, "--out", reference)
        report(p.returncode == 0, "an undisturbed run", p.stderr)
        fire = Range(folder, int(os.environ.get("NSW_TEST_SEED", "4")), reference)
        threads = [threading.Thread(target=fire.shoot) for _ in range(ABREAST)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        for said in fire.said:
            report(*said)
        report(not fire.trouble, "no sweep ended otherwise", fire.trouble)
        report(fire.kills >= 30, f"{fire.kills} kills in {fire.begun} sweeps", f"only {fire.kills} within {SECONDS} s")
    finish()


if __name__ == "__main__":
    main()
