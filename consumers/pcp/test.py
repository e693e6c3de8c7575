#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Compares PCP's agent pmdaproc, patched, with the stock one over tasks of every kind.

usage: test.py STOCK PATCHED [REGEX]

Both are directories usr of consumers/pcp/run. With REGEX only the comparisons whose name it
matches. For harness/vm: needs root, and a kernel with task_diag. Prints TAP lines.
"""
import collections
import contextlib
import ctypes
import mmap
import os
import pickle
import re
import resource
import select
import signal
import subprocess
import sys
import time

from client import PM_IN_NULL, Client, Pmcd, environment
from runner import Tap
from zoo import (CLONE_NEWUSER, FUSE, PR_SET_DUMPABLE, PR_SET_NAME, USER, as_user, become, call,
                 child, children, hidepid, hold_lock, let_execve, libc, own_mounts, populate,
                 populate_more, read, set_arguments, set_sysctl, start_before_execve, start_fuse,
                 start_holder, start_holding, state, wait_until)

TRIES = 6                               # tasks come and go, and work
SHORT = 1000                            # processes of a millisecond
MAP_FIXED = 0x10
PR_SET_VMA, PR_SET_VMA_ANON_NAME = 0x53564d41, 0

# What patch 1 corrects: these are another metric's value, or a number of no meaning. Nor
# has stock the right io of a process of which the file can be opened and not read.
CORRECTED = re.compile(
    r"\.(psinfo\.(priority|rt_priority|policy|policy_s|delayacct_blkio_time|guest_time|"
    r"cguest_time|ngid)|id\.gid)$")

# What a task that rests most of the time may have for a moment, and have had before
MOMENTARY = re.compile("wchan|processor|sname|runq")

# Processes with more arguments than execve() accepts, for which their name stands
too_long = set()

tap = Tap("pcp")


def all_names(pmcd):
    """The metrics of processes."""
    text = subprocess.run(["pminfo", "-h", f"unix:{pmcd.socket}", "proc", "hotproc"],
                          env=environment(pmcd.root), check=True, stdout=subprocess.PIPE, text=True)
    return [name for name in text.stdout.split()
            if ".control." not in name and not name.startswith("hotproc.total")]


def as_client(prepare, function):
    """What function returns in a process of its own, which called prepare before."""
    result, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(result)
        try:
            if prepare:
                prepare()
            with os.fdopen(write, "wb") as to:
                pickle.dump(function(), to)
            os._exit(0)
        except RuntimeError as error:
            print(f"# {error}", flush=True)
        finally:
            os._exit(1)
    os.close(write)
    with os.fdopen(result, "rb") as source:
        data = source.read()
    os.waitpid(pid, 0)
    return pickle.loads(data) if data else {}


def fetch(pmcd, names, prepare=None, instances=None):
    """The values of metrics and the names of instances, for a client of its own."""
    def values():
        client = Client(pmcd, names)
        if instances:
            client.restrict(instances)
            return client.values()
        return client.values() | client.instances()
    return as_client(prepare, values)


def between(key, before, value, after):
    if value in (before, after):
        return True
    if not all(isinstance(v, (int, float)) for v in (before, value, after)):
        return False
    # Its share in a page depends on how many others there are, and that a page of a file was
    # referenced, on whether others read the file.
    shared = ".smaps.pss" in key[0] or key[0] in ("proc.smaps.locked", "proc.smaps.referenced")
    slack = before // 50 + 4 if shared else 0
    return min(before, after) - slack <= value <= max(before, after) + slack


def is_worker(value):
    """A thread of the kernel's, which has another name for each work."""
    return isinstance(value, bytes) and b"kworker/" in value


def is_rcu(instance):
    """A thread of the kernel's that never rests."""
    return instance and b" (rcu_" in instance


def is_exact_size(key, value, before):
    """stat has an estimate of the resident size, statm and task_diag the size."""
    name, instance = key
    return name.endswith(".psinfo.rss") and \
        value == before.get((name.replace("psinfo", "memory"), instance), 0)


def without_end(key, value):
    """Stock has a newline at the end of mappings that were more before."""
    return value.rstrip(b"\n") if key[0].endswith(".memory.maps") else value


def is_name(key):
    return key[0] == "instance" or key[0].endswith(".psargs")


def differences(observers, take, stock, patched):
    """
    Those of what take(pmcd) gives of either that stay while tasks come and go, and those that come
    twice where stock's stays the same.
    """
    always, times, texts = None, collections.Counter(), {}
    after = take(stock)
    for number in range(TRIES):
        before, value, after = after, take(patched), take(stock)
        found = {}
        for key in before.keys() | value.keys():
            if key[1] in observers or is_worker(before.get(key)) or \
                    key[1] in too_long and is_name(key) or \
                    re.search("wchan|processor", key[0]) and \
                    is_rcu(before.get(("instance", key[1]))):
                continue
            if not between(key, before.get(key), value.get(key), after.get(key)) and \
                    not is_exact_size(key, value.get(key), before):
                found[key] = f"{key}: {before.get(key)!r}, patched {value.get(key)!r}"
                times[key] += before.get(key) == after.get(key) and not MOMENTARY.search(key[0])
        if not before or not value:
            found["nothing", None] = "no values"
        texts |= found
        always = found.keys() if always is None else always & found.keys()
        if number and not always and not any(times.values()):
            break
    return sorted(texts[key] for key in texts if key in always or times[key] > 1)[:20]


class Agents:
    """Of either build, and the patched one as it is without task_diag."""

    def __init__(self, roots, environ=None, options=""):
        environ = environ or {}
        self.stock = Pmcd(roots[0], "stock", environ, options)
        self.files = Pmcd(roots[1], "files", environ | {"PROC_TASKDIAG": "0"}, options)
        self.patched = Pmcd(roots[1], "patched", environ, options)
        self.all = self.stock, self.files, self.patched
        self.observers = {pid for pmcd in self.all for pid in (pmcd.agent, pmcd.process.pid)}
        self.observers |= {os.getpid()}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for pmcd in self.all:
            pmcd.stop()

    def check(self, what, names, prepare=None, instances=None):
        """Fetches all of these from each, and some together, as other groups are asked for."""
        if len(sys.argv) > 3 and not re.search(sys.argv[3], what):
            return

        def take(pmcd):
            values = fetch(pmcd, names, prepare, instances)
            live = {PM_IN_NULL, None, *known}
            return {k: without_end(k, v) if pmcd is self.stock else v
                    for k, v in values.items() if k[1] in live}

        for tree in {name.split(".")[0] for name in names if name.endswith(".psinfo.rss")}:
            names = [*dict.fromkeys([*names, f"{tree}.memory.rss"])]
        known = [int(name) for name in os.listdir("/proc") if name.isdigit()]
        known += [int(tid) for pid in known for tid in tasks_of(pid)
                  if not (prepare and is_foreign(pid, tid))]

        def take_right(pmcd):
            values = take(pmcd)
            readable = values if pmcd is self.files else take(self.files)
            return {k: v for k, v in values.items() if not CORRECTED.search(k[0]) and
                    (k in readable or ".io." not in k[0])}
        bad = differences(self.observers, take_right, self.stock, self.files)
        tap.result(not bad, f"{what}: without task_diag as with stock", bad)
        bad = differences(self.observers, take, self.files, self.patched)
        tap.result(not bad, f"{what}: the same with task_diag", bad)


def map_oddly():
    """Mappings that maps has other names, permissions and lengths of lines for."""

    def map_it(file, prot=mmap.PROT_READ, how=mmap.MAP_PRIVATE, offset=0):
        at = libc.mmap(None, mmap.PAGESIZE, prot, how, file, offset)
        assert at != 2**64 - 1
        return at

    os.makedirs(f"/tmp/maps-{os.getpid()}")
    os.chdir(f"/tmp/maps-{os.getpid()}")
    for name in (b"new\nline\n", b"back\\slash", b" blanks ", b"[heap]", b"\xff\x01", b"removed",
                 b"moved (deleted)"):
        file = os.open(name, os.O_RDWR | os.O_CREAT, 0o755)
        os.truncate(file, 1 << 40)
        map_it(file)
        map_it(file, mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC, mmap.MAP_SHARED,
               (1 << 40) - mmap.PAGESIZE)
        map_it(file, 0)
    os.unlink("removed")
    for _ in range(20):                 # a path that is longer than any that can be opened
        os.mkdir("d" * 250)
        os.chdir("d" * 250)
    file = os.open("deep", os.O_RDWR | os.O_CREAT)
    for number in range(200):           # a MiB of text
        map_it(file, offset=2 * number * mmap.PAGESIZE)
    map_it(os.memfd_create("memory file"), how=mmap.MAP_SHARED)
    map_it(-1, how=mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)
    for how in (mmap.MAP_PRIVATE, mmap.MAP_SHARED):
        at = map_it(-1, mmap.PROT_READ | mmap.PROT_WRITE, how | mmap.MAP_ANONYMOUS)
        call("prctl", PR_SET_VMA, PR_SET_VMA_ANON_NAME, ctypes.c_ulong(at),
             ctypes.c_ulong(mmap.PAGESIZE), b"a name")


def start_in_user_namespace(users, uid, argv, owner):
    """A program that the test's user may trace, but of which another owns the files."""
    ready, done = os.pipe()
    mapped, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            become(USER, USER)
            call("unshare", CLONE_NEWUSER)
            os.write(done, b"+")
            os.read(mapped, 1)
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            os.execv(argv[0], argv)
        finally:
            os._exit(1)
    os.read(ready, 1)
    for name in ("uid_map", "gid_map"):
        with open(f"/proc/{pid}/{name}", "w", encoding="ascii") as file:
            file.write(users)
    os.write(tell, b"+")
    wait_until(lambda: os.stat(f"/proc/{pid}/io").st_uid == owner, f"{owner} does not own {pid}")
    for fd in (ready, done, mapped, tell):
        os.close(fd)


def populate_user_namespaces():
    undumpable = "import ctypes, signal; ctypes.CDLL(None).prctl" \
                 f"({PR_SET_DUMPABLE}, 0, 0, 0, 0); signal.pause()"
    start_in_user_namespace(f"{USER} {USER} 1\n", USER, [sys.executable, "-c", undumpable], 0)
    start_in_user_namespace(f"0 {USER} 1\n1 100001 1\n", 1, ["/bin/sleep", "100000"], 100001)


def tasks_of(pid):
    with contextlib.suppress(OSError):
        return os.listdir(f"/proc/{pid}/task")
    return []


def is_foreign(pid, tid):
    """Whether it is a thread of the test's user in a process of another one's: see README."""
    with contextlib.suppress(OSError):
        return os.stat(f"/proc/{pid}/task/{tid}").st_uid == USER != os.stat(f"/proc/{pid}").st_uid
    return False


def clusters(names):
    """Groups of metrics that are fetched alone."""
    groups = {}
    for name in names:
        groups.setdefault(".".join(name.split(".")[:2]), []).append(name)
    return groups


def check_texts(agents, names):
    stock, patched = (subprocess.run(
        ["pminfo", "-h", f"unix:{pmcd.socket}", "-dmtT", *names], env=environment(pmcd.root),
        check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
        for pmcd in (agents.stock, agents.patched))
    bad = [f"{a} / {b}" for a, b in zip(stock, patched) if a != b][:5]
    if len(stock) != len(patched):
        bad.append(f"{len(stock)} lines, {len(patched)}")
    tap.result(not bad, "descriptions and help are the same", bad)


def store(pmcd, metric, value):
    subprocess.run(["pmstore", "-h", f"unix:{pmcd.socket}", metric, value], check=True,
                   env=environment(pmcd.root), stdout=subprocess.DEVNULL)


def check_too_long(pmcd):
    values = fetch(pmcd, ["proc.psinfo.psargs"])
    bad = [f"{pid}: {values.get((name, pid))}" for pid in too_long
           for name, text in (("proc.psinfo.psargs", b"(python3)"),
                              ("instance", b"%06d (python3)" % pid))
           if values.get((name, pid)) != text]
    tap.result(not bad, "a name stands for arguments that execve() does not accept", bad)


def check_own(agents):
    """The kernel lets the agent see itself, which its client may not."""
    names = ["proc.psinfo.environ", "proc.io.rchar", "proc.fd.count", "proc.psinfo.cmd",
             "proc.memory.maps"]
    files, patched = ({name for name in names
                       if fetch(pmcd, names, as_user).get((name, pmcd.agent))}
                      for pmcd in (agents.files, agents.patched))
    tap.result(files == patched, "a user sees as much of the agent itself", [files, patched])


def set_hot(pmcd):
    """Processes are hot as soon as the agent has looked for them."""
    store(pmcd, "hotproc.control.refresh", "1")
    store(pmcd, "hotproc.control.config", f"uid == {USER} || fname == \"cat\"")
    wait_until(lambda: fetch(pmcd, ["hotproc.nprocs"], lambda: signal.alarm(100))
               .get(("hotproc.nprocs", PM_IN_NULL)), "no process is hot")


def check_hot(agents):
    names = [name for name in all_names(agents.stock) if name.startswith("hotproc.")]
    for pmcd in agents.all:
        set_hot(pmcd)
    names = [name for name in names if ".predicate." not in name]
    agents.check("hotproc", names)


def check_end(pmcd):
    """A process that ended since the last fetch."""
    names = ["proc.psinfo.cmd", "proc.psinfo.psargs"]
    bad = []
    for prepare in (None, as_user):
        pid = child(lambda prepare=prepare: prepare and prepare())
        client = Client(pmcd, names)
        seen = client.values() | client.instances()
        bad += [f"{key} is missing" for key in (*names, "instance") if (key, pid) not in seen]
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        bad += [f"{key} is still there" for key in client.values() | client.instances()
                if key[1] == pid]
    return bad


def check_reuse(pmcd):
    """A pid that another process has by now."""
    def reuse(pid, name):
        with open("/proc/sys/kernel/ns_last_pid", "w", encoding="ascii") as last:
            last.write(str(pid - 1))
        new = os.fork()
        if new == 0:
            call("prctl", PR_SET_NAME, name, 0, 0, 0)
            os.execv("/bin/sleep", [name.decode(), "1000"])
        wait_until(lambda: is_running(new, name), f"{new} is not {name}")
        return new

    def is_running(pid, name):
        with open(f"/proc/{pid}/cmdline", "rb") as cmdline:
            return cmdline.read() == name + b"\0" + b"1000\0"

    bad = []
    client = Client(pmcd, ["proc.psinfo.psargs", "proc.psinfo.cmd"])
    for threads in range(10):
        pid = reuse(20000 + threads, b"first")
        client.values()
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        new = reuse(pid, b"second")
        if new == pid:
            values = client.values() | client.instances()
            seen = values["proc.psinfo.psargs", pid], values["instance", pid]
            if seen != (b"second 1000", b"%06d second" % pid):
                bad.append(f"{pid}: {seen}")
        os.kill(new, signal.SIGKILL)
        os.waitpid(new, 0)
        if new == pid:
            break
    else:
        bad.append("no pid could be used again")
    return bad


def traced_fetch(pmcd, names, prepare, *options):
    """The values of a fetch, and the lines of strace of the agent."""
    log = "/tmp/traced"
    with subprocess.Popen(["strace", "-q", "-o", log, *options, "-p", str(pmcd.agent)],
                          stderr=subprocess.DEVNULL) as tracer:
        wait_until(lambda: f"TracerPid:\t{tracer.pid}\n" in status(pmcd.agent),
                   "strace does not trace the agent")
        values = fetch(pmcd, names, prepare)
        tracer.terminate()
    with open(log, encoding="latin-1") as calls:
        return values, calls.read()


def status(pid):
    return read(f"/proc/{pid}/status")


def has_no_files(pid):
    """As a thread of the kernel's, or a zombie."""
    try:
        return not os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return True


def check_files(agents, names):
    """No file of a process but what only a file has."""
    names = [name for name in names if name.startswith("proc.")]
    fetch(agents.patched, names)
    known = {pid for pid in os.listdir("/proc") if pid.isdigit()}
    _, calls = traced_fetch(agents.patched, names, None, "-e", "trace=open,openat")
    known &= set(os.listdir("/proc"))
    opened = set(re.findall(r'"/proc/(\d+)/(?:task/\d+/)?([\w/]+)"', calls))
    bad = [] if '"/proc/stat"' in calls else ["strace has not seen the fetch"]
    for pid, name in sorted(opened):
        # a file tells that there are no descriptors, and where a process that ends is
        if pid in known and not (name in ("fd", "fdinfo") and has_no_files(pid)) and \
                not (name == "stat" and state(pid) in "ZX"):
            bad.append(f"{pid}: {name}")
    tap.result(not bad, "no file of a process is opened", bad)


MAY_LACK = "proc.psinfo.environ", "proc.memory.maps", "proc.io.cancelled_write_bytes"


def check_aborted(agents):
    """The kernel's answer ends early."""
    names = [*MAY_LACK, "proc.psinfo.psargs", "proc.psinfo.cmd", "proc.id.uid"]

    def take(*inject):
        values, calls = traced_fetch(agents.patched, names, None, "-e", "trace=recvfrom", *inject)
        count = calls.count("recvfrom(")
        return {key: value for key, value in values.items()
                if key[1] not in agents.observers and not is_worker(value)}, calls, count
    whole, _, count = take()
    bad = []
    for when in (f"{count // 2}", f"{count // 2}+", "1+"):
        rule = f"inject=recvfrom:error=ENOBUFS:when={when}"
        values, calls, _ = take("-e", rule)
        if "(INJECTED)" not in calls:
            bad.append(f"{rule}: it is not called so often")
        lacking = [key for key in whole if key not in values and key[0] in MAY_LACK]
        if not lacking:
            bad.append(f"{rule}: nothing is left out")
        bad += [f"{rule}: {key} is {values.get(key)!r:.80}, not {value!r:.80}"
                for key, value in whole.items()
                if key not in lacking and values.get(key) != value and
                os.path.exists(f"/proc/{key[1]}")]
    tap.result(not bad, "an answer that ends early: what it lacks has no value", bad)


def run_short_processes(to):
    """Two fifths end with a status, a tenth by a signal. Writes what they took."""
    for number in range(SHORT):
        pid = os.fork()
        if pid == 0:
            end = time.monotonic() + 0.001
            while time.monotonic() < end:
                pass
            if number % 10 == 9:
                os.kill(os.getpid(), signal.SIGKILL)
            os._exit(number % 2)
        os.waitpid(pid, 0)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    with os.fdopen(to, "wb") as file:
        pickle.dump((usage.ru_utime * 1000, usage.ru_stime * 1000), file)
    signal.pause()


def check_ended(roots, watched):
    """Counted by the patched agent, without any cost before the first fetch."""
    names = [f"proc.ended.{name}" for name in ("count", "failed", "killed", "utime", "stime", "lost")]
    pmcd = Pmcd(roots[1], "ended")

    def take(prepare=None):
        values = fetch(pmcd, names, prepare)
        return {name.rpartition(".")[2]: values.get((name, PM_IN_NULL)) for name in names}
    bad = [f"before the first fetch: {pid}" for pid in children(pmcd.agent)]
    before = take()
    counter, = children(pmcd.agent)
    watcher = Client(watched, ["proc.psinfo.ppid"])
    result, to = os.pipe()
    runner = os.fork()
    if runner == 0:
        run_short_processes(to)
    os.close(to)
    seen = set()
    while not select.select([result], [], [], 1)[0]:
        seen |= {pid for (_, pid), ppid in watcher.values().items() if ppid == runner}
        take(as_user)                   # the agent changes its credentials for that
    with os.fdopen(result, "rb") as file:
        utime, stime = pickle.load(file)
    wait_until(lambda: take()["count"] - before["count"] >= SHORT, "not all are counted")
    after = take()
    took = {name: after[name] - before[name] for name in after}
    os.kill(runner, signal.SIGKILL)
    os.waitpid(runner, 0)
    # and others of the system. Of stime, what a process takes to free its memory comes
    # after the event.
    least = {"count": SHORT, "failed": SHORT * 4 // 10, "killed": SHORT // 10, "lost": 0}
    if not all(least[name] <= took[name] <= least[name] * 1.2 for name in least) or \
            not 0.8 * utime <= took["utime"] <= 1.3 * utime + 100 or \
            not 0.25 * stime <= took["stime"] <= 1.3 * stime + 100:
        bad.append(f"{took}, by getrusage() {utime:.0f} and {stime:.0f}")
    tap.result(not bad, f"{SHORT} short processes are counted, of which stock sees {len(seen)}", bad)
    pmcd.stop()
    wait_until(lambda: not os.path.exists(f"/proc/{counter}"), "what counts them does not end")
    tap.result(True, "what counts them ends with the agent")


def hold_long_arguments():
    """The kernel does not look at so many."""
    set_arguments(b"", 7 << 20)
    become(USER, USER)
    hold_lock("long_arguments")


def lose_arguments():
    """They are in a page that never comes."""
    at = set_arguments(b"", mmap.PAGESIZE)
    page = libc.mmap(at, mmap.PAGESIZE, mmap.PROT_READ, mmap.MAP_PRIVATE | MAP_FIXED,
                     os.open(f"{FUSE}/arguments", os.O_RDONLY), 0)
    assert page == at
    become(USER, USER)


def bear_children():
    """Processes begin and end all the time."""
    while True:
        if os.fork() == 0:
            time.sleep(0.03)
            os._exit(0)
        time.sleep(0.005)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def check_born_stuck(pmcd):
    """The same of processes that begin after the kernel's answer, or during it."""
    names = [f"proc.{name}" for name in ("psinfo.psargs", "psinfo.environ", "io.rchar", "smaps.rss",
                                         "memory.maps")]
    parent = child(lambda: (os.setpgid(0, 0), lose_arguments(), os.fork() or bear_children()))
    bad, pids = [], set()
    for who, prepare in (("root", lambda: None), ("their user", as_user)):
        for number in range(20):
            values = fetch(pmcd, names, lambda prepare=prepare: (prepare(), signal.alarm(100)))
            if not values:
                bad.append(f"{who}: no answer to fetch {number}")
                break
            pids |= {pid for (what, pid), name in values.items()
                     if what == "instance" and name.endswith(b" (python3)")}
    if len(pids) < 20:
        bad.append(f"only {len(pids)} were seen")
    tap.result(not bad, f"nor do {len(pids)} that begin all the time", bad)
    os.killpg(parent, signal.SIGKILL)
    os.waitpid(parent, 0)


def check_stuck(roots, names):
    """Processes that make their readers wait for ever, by a file system of their user."""
    set_sysctl("hung_task_timeout_secs", 0)
    pmcd = Pmcd(roots[1], "stuck")
    server = start_fuse()
    pids = [child(lose_arguments), start_holding(hold_long_arguments),
            *map(start_holder, ("read", "write"))]

    def check(who, prepare):
        values = fetch(pmcd, names, lambda: (prepare(), signal.alarm(100)))
        return [f"{who}: {pid} is {values.get(('instance', pid))}" for pid in pids
                if values.get(("instance", pid)) != b"%06d (python3)" % pid] + \
               [f"{who}: {pid} has no mappings" for pid in pids if who != "another user" and
                pid != stuck and b"[stack]" not in values.get(("proc.memory.maps", pid), b"")]
    stuck, bad = None, []
    root, their_user = ("root", lambda: None), ("their user", as_user)
    # another user first: root's client would leave names behind
    for who in ("another user", lambda: os.setresuid(1, 1, 1)), their_user, root:
        bad += check(*who)
    tap.result(not bad, "processes that make their readers wait do not stop the agent", bad)

    holder, stuck = start_before_execve(lambda: become(USER, USER))
    let_execve(stuck)
    pids.append(stuck)
    set_hot(pmcd)
    bad = []
    for who in their_user, root:
        bad += check(*who)
    tap.result(not bad, "nor does one in execve(), if the client may trace it, nor hotproc", bad)
    check_born_stuck(pmcd)
    for pid in (server, holder, *pids[:-1]):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    pmcd.stop()


def main():
    if len(sys.argv) not in (3, 4):
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    roots = sys.argv[1:3]
    call("mount", b"tmpfs", b"/var/tmp", b"tmpfs", 0, None)    # hotproc parses there
    os.environ.update(environment(roots[0]))
    pids = populate()
    too_long.update((pids["busy"], pids["user_busy"]))
    populate_more()
    populate_user_namespaces()
    child(map_oddly)
    child(lambda: (map_oddly(), become(USER, USER)))
    for number in range(3):
        child(lambda number=number: enter_container(number))

    with Agents(roots) as agents:
        names = [name for name in all_names(agents.stock) if name.startswith("proc.")]
        check_texts(agents, names)
        agents.check("root", names)
        for group, some in clusters(names).items():
            if group != "proc.nprocs":
                agents.check(f"root, {group} alone", some)
        agents.check("a user", names, as_user)
        agents.check("root, three processes", names, None, [1, os.getpid(), os.getppid()])
        check_files(agents, names)
        check_aborted(agents)
        check_too_long(agents.patched)
        check_own(agents)
        check_ended(roots, agents.stock)
        check_hot(agents)
        for pmcd in agents.all[1:]:
            bad = check_end(pmcd)
            tap.result(not bad, "a process that ended is gone at the next fetch, "
                       f"{os.path.basename(pmcd.folder)}", bad)
            bad = check_reuse(pmcd)
            tap.result(not bad, "a pid that is used again has its own name, "
                       f"{os.path.basename(pmcd.folder)}", bad)
    with Agents(roots, {"PROC_THREADS": "1"}) as agents:
        agents.check("threads, root", names)
        agents.check("threads, a user", names, as_user)
    with Agents(roots, options="-r /sys/fs/cgroup/boxes") as agents:
        agents.check("a cgroup, root", names)
        agents.check("a cgroup, a user", names, as_user)
    check_stuck(roots, names)
    own_mounts()
    hidepid(b"hidepid=2")
    with Agents(roots) as agents:
        agents.check("hidepid=2, a user", names, as_user)
        agents.check("hidepid=2, root after a user", names)
        set_sysctl("task_diag", 1)
        agents.check("denied to users by the sysctl, a user", names, as_user)
        set_sysctl("task_diag", 2)
        agents.check("denied to all by the sysctl, root", names)
        set_sysctl("task_diag", 0)
    sys.stdout.flush()
    os._exit(1 if tap.failed else 0)


def enter_container(number):
    path = "/sys/fs/cgroup/boxes/container"
    os.makedirs(path, exist_ok=True)
    with open(f"{path}/cgroup.procs", "w", encoding="ascii") as procs:
        procs.write(str(os.getpid()))
    if number == 1:
        become(USER, USER)


if __name__ == "__main__":
    main()
