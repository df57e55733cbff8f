#!/usr/bin/python3
"""The scripts of slurm/ on a real Slurm of several nodes, started for the test on this machine: a plain run, a run hit by
its time limit and queued again, a job array with merge, a node taken down in the middle. Own ports, own folder, no
trace of it afterwards. Needs root and the packages slurm-wlm and munge."""
# tests/run: in turn

import os
import shutil
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from mpi import ENVIRONMENT  # noqa: E402
from sweeps import NASWEEP, ROOT, Folder, different, finish, report, run, skip  # noqa: E402

NODES = 4
LIMIT = 170  # seconds for everything
started = time.monotonic()

CONF = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ctld}
AuthType=auth/munge
AuthInfo=socket={run}/munge.socket,cred_expire=6
CryptoType=crypto/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation={run}/state
SlurmdSpoolDir={run}/spool-%n
SlurmctldPidFile={run}/ctld.pid
SlurmdPidFile={run}/d-%n.pid
SlurmctldLogFile={run}/ctld.log
SlurmdLogFile={run}/d-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
MpiDefault=pmix
ReturnToService=0
JobRequeue=1
JobCompType=jobcomp/none
AccountingStorageType=accounting_storage/none
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=1
SwitchType=switch/none
KillWait=5
NodeName=n[1-{nodes}] NodeHostname={host} NodeAddr=127.0.0.1 Port=[{first}-{last}] CPUs=4 RealMemory=1000
PartitionName=test Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def missing():
    """Why this cannot run here, or None."""
    if os.getuid() != 0:
        return "needs root to start a Slurm"
    for name in ("slurmctld", "slurmd", "munged", "sbatch", "srun", "mpirun"):
        if not shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
            return f"{name} is not installed"
    return None


def release():
    """Slurm's, as (year, month)."""
    said = subprocess.run(["slurmctld", "-V"], capture_output=True, text=True,
                          env=dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")).stdout  # slurm 24.11.5
    return tuple(int(n) for n in said.split()[-1].split(".")[:2])


def free_ports(count):
    """First of `count` neighbouring free ports."""
    for first in range(17000 + os.getpid() % 400 * 10, 29000, 10):
        try:
            for port in range(first, first + count):
                with socket.socket() as s:
                    s.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue
    raise RuntimeError("no free ports")


class Slurm:
    """munged, slurmctld and a slurmd for each node, in the foreground of this test; ended by their process ids."""

    def __init__(self, folder):
        self.run = folder
        self.daemons, self.nodes = [], {}
        first = free_ports(NODES + 1)
        conf = CONF.format(host=socket.gethostname(), ctld=first, first=first + 1, last=first + NODES, run=folder,
                           nodes=NODES)
        os.mkdir(f"{folder}/state")
        with open(f"{folder}/slurm.conf", "w") as f:
            f.write(conf)
        if release() >= (23, 11):  # looks for cgroups even where no plugin needs them; older ones know no such word
            with open(f"{folder}/cgroup.conf", "w") as f:
                f.write("CgroupPlugin=disabled\n")
        with open(f"{folder}/munge.key", "wb") as f:
            f.write(os.urandom(128))
        os.chmod(f"{folder}/munge.key", 0o600)
        os.chmod(folder, 0o755)
        self.env = dict(os.environ, SLURM_CONF=f"{folder}/slurm.conf", PATH=os.environ["PATH"] + ":/usr/sbin:/sbin",
                        **ENVIRONMENT, OMPI_MCA_btl="self,tcp", OMPI_MCA_btl_tcp_if_include="lo",
                        OMPI_MCA_oob_tcp_if_include="lo", NASWEEP=NASWEEP)
        for name in [n for n in self.env if n.startswith(("SLURM_", "SBATCH_")) and n != "SLURM_CONF"]:
            del self.env[name]

    def daemon(self, *words):
        log = open(f"{self.run}/{os.path.basename(words[0])}-{len(self.daemons)}.out", "w")
        self.daemons.append(subprocess.Popen(words, env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                             cwd=self.run))
        return self.daemons[-1]

    def start(self):
        r = self.run
        self.daemon("munged", "--foreground", "--force", f"--socket={r}/munge.socket", f"--key-file={r}/munge.key",
                    f"--pid-file={r}/munge.pid", f"--log-file={r}/munge.log", f"--seed-file={r}/munge.seed")
        wait_for(lambda: os.path.exists(f"{r}/munge.socket"), 10)
        self.daemon("slurmctld", "-D", "-f", f"{r}/slurm.conf")
        for n in range(1, NODES + 1):
            os.makedirs(f"{r}/spool-n{n}", exist_ok=True)
            self.nodes[f"n{n}"] = self.daemon("slurmd", "-D", "-N", f"n{n}", "-f", f"{r}/slurm.conf")
        return wait_for(lambda: self.tell("sinfo", "-h", "-o", "%D %t").split() == [str(NODES), "idle"], 30)

    def lose(self, node):
        """The node is gone with all that ran on it: nothing there says so. Slurm is told at once, not by its time-out."""
        self.nodes[node].kill()
        for pid in on_node(self.run, node):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.tell("scontrol", "update", f"nodename={node}", "state=down", "reason=test")

    def stop(self):
        self.tell("scancel", "--user=root")
        time.sleep(0.5)
        for process in reversed(self.daemons):
            process.terminate()
        for process in reversed(self.daemons):
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def tell(self, *words):
        try:
            p = subprocess.run(words, env=self.env, capture_output=True, text=True, timeout=20, cwd=self.run)
            return p.stdout + p.stderr
        except subprocess.TimeoutExpired:
            return "no answer"

    def submit(self, *words, **env):
        """Job number of a batch job that is submitted in the folder where jobs/ and slurm/ are."""
        p = subprocess.run(["sbatch", "--parsable", *words], env=dict(self.env, **env), capture_output=True, text=True,
                           timeout=30, cwd=f"{self.run}/work")
        return p.stdout.strip() or p.stderr

    def state(self, job):
        for item in self.tell("scontrol", "show", "job", job).split():
            if item.startswith("JobState="):
                return item.partition("=")[2]
        return "unknown"

    def show(self, job, key):
        for item in self.tell("scontrol", "show", "job", job).split():
            if item.startswith(key + "="):
                return item.partition("=")[2]
        return ""


def on_node(run, node):
    """Processes of jobs on a node of this Slurm, and slurmstepd that started them."""
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as f:
                words = f.read().split(b"\0")
            if f"SLURMD_NODENAME={node}".encode() in words and f"SLURM_CONF={run}/slurm.conf".encode() in words:
                with open(f"/proc/{pid}/stat") as f:
                    parent = int(f.read().rpartition(")")[2].split()[1])
                with open(f"/proc/{parent}/comm") as f:
                    found |= {int(pid), *([parent] if f.read().strip() == "slurmstepd" else [])}
        except OSError:
            continue
    return sorted(found)


def wait_for(condition, seconds):
    until = min(time.monotonic() + seconds, started + LIMIT)
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.2)
    return bool(condition())


def log_of(slurm, name):
    try:
        with open(f"{slurm.run}/work/nasweep-{name}.log") as f:
            return f.read()
    except OSError as error:
        return str(error)


ENDS = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "unknown"}


def finished(slurm, jobs, seconds):
    return wait_for(lambda: all(slurm.state(job) in ENDS for job in jobs), seconds)


def hurry(slurm, job, node):
    """A job that was queued again waits for two minutes, until its old credentials have run out on the node that had
    it; starts it now on other nodes. Whether there was one."""
    if slurm.state(job) != "PENDING" or slurm.show(job, "Restarts") == "0":
        return False
    slurm.tell("scontrol", "update", f"jobid={job}", "StartTime=now", f"ExcNodeList={node}")
    return True


def see_through(slurm, job, node):
    """Waits for the end of a job that may be queued again several times."""
    last = [node, "0"]

    def ended():
        if slurm.state(job) == "RUNNING":
            last[0] = slurm.show(job, "BatchHost") or last[0]
        restarts = slurm.show(job, "Restarts")
        if restarts != last[1] and hurry(slurm, job, last[0]):
            last[1] = restarts
        return slurm.state(job) in ENDS

    wait_for(ended, 120)


def work_folder(slurm):
    os.makedirs(f"{slurm.run}/work/results")
    for name in ("jobs", "slurm", "analysis"):
        os.symlink(f"{ROOT}/{name}", f"{slurm.run}/work/{name}")


def stops_for_good(slurm, job):
    """A halt file ends the job, not only its step."""
    work = f"{slurm.run}/work"
    there = wait_for(lambda: os.path.exists(f"{work}/results/array-14.h5"), 60)
    open(f"{work}/STOP", "w").close()
    ended = finished(slurm, [job], 30)
    text = log_of(slurm, job)
    report(there and ended and slurm.state(job) == "FAILED" and slurm.show(job, "Restarts") == "0"
           and "stopped by the halt file" in text and "the job ends" in text, "a halt file ends the job",
           slurm.tell("scontrol", "show", "job", job) + text)


def gives_up(slurm, job):
    """A job that dies each time is started again as often as RESTARTS allows, here once."""
    node = slurm.show(job, "BatchHost")
    again = wait_for(lambda: hurry(slurm, job, node) or slurm.show(job, "Restarts") == "1", 40)
    finished(slurm, [job], 60)
    text = log_of(slurm, job)
    report(again and slurm.state(job) == "FAILED" and slurm.show(job, "Restarts") == "1" and "start 2" in text
           and "started 2 times: not again" in text, "a job that dies each time is given up after RESTARTS",
           slurm.tell("scontrol", "show", "job", job) + text)


def study(slurm):
    work = f"{slurm.run}/work"
    dummy = ["jobs/array-seed.conf", "proxy=dummy", "progress=0"]
    # 1 a plain run; 2 the time limit's signal comes 5 s after the start at the earliest; 3 an array, a task of which is queued again; 4 a node goes down
    plain = slurm.submit("--nodes=1", "--ntasks-per-node=2", "slurm/sweep.sbatch", *dummy, "sample=200", "part=11",
                         LAUNCH="srun", SRUN_OPTIONS="--mpi=pmix --kill-on-bad-exit=1")
    limited = slurm.submit("--nodes=1", "--ntasks-per-node=2", "--time=1", "--signal=B:USR1@55", "slurm/sweep.sbatch",
                           *dummy, "sample=1500", "set=dummy.rate=6.6e8", "part=12", LAUNCH="srun",
                           SRUN_OPTIONS="--mpi=pmix --kill-on-bad-exit=1")
    array = slurm.submit("--array=0-2", "--nodes=1", "--ntasks-per-node=1", "slurm/array.sbatch", "jobs/array-seed.conf",
                         "1", "2", "3", LAUNCH="mpirun",
                         NASWEEP_KEYS="proxy=dummy sample=100 set=dummy.rate=1.5e9 checkpoint=0.3 progress=0")
    merge = slurm.submit(f"--dependency=afterok:{array}", "slurm/merge.sbatch", "results/all.h5",
                         *[f"results/array-{s}.h5" for s in (1, 2, 3)])
    scaling = slurm.submit("slurm/scaling.sbatch", "proxy=dummy", "set=dummy.rate=1e11", LAUNCH="mpirun", WEAK="20")
    # 5 is stopped by a halt file; 6 dies again and again
    halted = slurm.submit("--nodes=1", "--ntasks-per-node=2", "slurm/sweep.sbatch", *dummy, "sample=300",
                          "set=dummy.rate=1e8", "checkpoint=0.5", "part=14", f"halt-file={work}/STOP", LAUNCH="srun",
                          SRUN_OPTIONS="--mpi=pmix --kill-on-bad-exit=1")
    doomed = slurm.submit("--nodes=1", "--ntasks-per-node=2", "slurm/sweep.sbatch", *dummy, "sample=20", "range=0:20",
                          "set=dummy.crash=0", "retries=0", "part=15", RESTARTS="1", LAUNCH="srun",
                          SRUN_OPTIONS="--mpi=pmix --kill-on-bad-exit=1")
    jobs = (plain, limited, array, merge, scaling, halted, doomed)
    report(all(job.isdigit() for job in jobs), "the shipped scripts are taken", jobs)

    task = f"{array}_1"
    there = wait_for(lambda: os.path.exists(f"{work}/results/array-2.h5"), 60)
    task_node = slurm.show(task, "BatchHost")
    slurm.tell("scontrol", "requeue", task)
    report(there and wait_for(lambda: slurm.show(task, "Restarts") == "1", 30), "a task of an array is queued again by hand",
           slurm.tell("scontrol", "show", "job", task) + log_of(slurm, f"{array}-1"))
    wait_for(lambda: hurry(slurm, task, task_node), 20)
    stops_for_good(slurm, halted)
    finished(slurm, [merge], 60)
    run(12, "score", "nb201", "--proxy", "dummy", "--sample", "100", "--seed", "1,2,3", "--dataset", "cifar10", "--set",
        "dummy.rate=1.5e9", "--progress", "0", "--out", f"{work}/seeds.h5")
    good = slurm.state(merge) == "COMPLETED" and not different(f"{work}/seeds.h5", f"{work}/results/all.h5")
    text = log_of(slurm, f"{array}-1")
    report(good and text.count("task 1: part=2") == 2 and "there already" in text,
           "the array by seed, one task of it begun twice, is when merged the sweep of all seeds",
           log_of(slurm, merge) + slurm.tell("squeue", "-a") + text)

    finished(slurm, [plain], 60)
    q = run(2, "score", "nb201", "--proxy", "dummy", "--sample", "200", "--seed", "11", "--out", f"{work}/plain.h5")
    good = slurm.state(plain) == "COMPLETED" and not different(f"{work}/plain.h5", f"{work}/results/array-11.h5")
    report(good, "a plain run by srun gives the file of a run by hand", log_of(slurm, plain) + q.stderr)
    finished(slurm, [scaling], 60)
    text = log_of(slurm, scaling)
    report(slurm.state(scaling) == "COMPLETED" and "strong scaling" in text and "weak scaling" in text
           and os.path.exists(f"{work}/results/scaling/scaling.png"), "a scaling experiment ends with table and picture",
           text)

    gives_up(slurm, doomed)

    # Only now, as it takes all jobs along that its node has.
    down = slurm.submit("--nodes=2", "--exclude=" + slurm.show(limited, "BatchHost"), "--ntasks-per-node=1",
                        "slurm/sweep.sbatch", *dummy, "sample=400", "set=dummy.rate=1.3e9", "checkpoint=0.5", "part=13",
                        LAUNCH="mpirun")
    there = wait_for(lambda: os.path.exists(f"{work}/results/array-13.h5"), 60)
    node = slurm.show(down, "BatchHost")
    first_node = slurm.show(limited, "BatchHost")
    slurm.lose(node)
    report(there and wait_for(lambda: slurm.show(down, "Restarts") == "1", 30), f"node {node} goes down: the job is queued again",
           slurm.tell("scontrol", "show", "job", down) + log_of(slurm, down))

    wait_for(lambda: hurry(slurm, down, node), 30)

    finished(slurm, [down], 60)
    q = run(12, "score", "nb201", "--proxy", "dummy", "--sample", "400", "--seed", "13", "--set", "dummy.rate=1.3e9",
            "--progress", "0", "--out", f"{work}/down.h5")
    text = log_of(slurm, down)
    report(slurm.state(down) == "COMPLETED" and "there already" in text and "start 2" in text
           and not different(f"{work}/down.h5", f"{work}/results/array-13.h5"),
           "the job that lost its node went on elsewhere and completed",
           f"{q.stderr}\n{slurm.state(down)}, {q.returncode}, {different(f'{work}/down.h5', f'{work}/results/array-13.h5')}\n{text}")

    see_through(slurm, limited, first_node)
    q = run(24, "score", "nb201", "--proxy", "dummy", "--sample", "1500", "--seed", "12", "--set", "dummy.rate=6.6e8",
            "--progress", "0", "--out", f"{work}/limited.h5")
    text = log_of(slurm, limited)
    report("stopped by" in text and "ended with 75" in text and "start 2" in text,
           "the time limit's signal stops a run cleanly, and it is queued again", text)
    report(slurm.state(limited) == "COMPLETED" and not different(f"{work}/limited.h5", f"{work}/results/array-12.h5"),
           "and runs to completion, with the file of an undisturbed run", f"{q.stderr}\n{slurm.state(limited)}\n{text}")


def main():
    reason = missing()
    if reason:
        print(f"1..0 # SKIP {reason}")
        return
    with Folder() as folder:
        slurm = Slurm(folder)
        work_folder(slurm)
        try:
            if slurm.start():
                study(slurm)
            else:
                said = slurm.tell("sinfo") + "".join(open(f"{folder}/{n}").read()[-600:] for n in os.listdir(folder)
                                                     if n.endswith((".log", ".out")))
                if os.environ.get("CI"):  # all that it needs was installed there
                    report(False, "Slurm comes up", said)
                skip("Slurm", "did not come up: " + " ".join(said.split())[-400:])
                print("\n".join("# " + line for line in said.splitlines()))
        finally:
            slurm.stop()
            if os.environ.get("V") == "1":
                print(f"# {time.monotonic() - started:.0f} s")
    finish()


if __name__ == "__main__":
    main()
