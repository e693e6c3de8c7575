#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Compares a patched procps with the stock one on tasks of every kind.

usage: procps_test.py STOCK PATCHED LONGER

The first two are directories in which the programs' bin is, LONGER is a library
to preload that makes the kernel's structs longer. For harness/vm: needs root,
and a kernel with task_diag. Prints TAP lines.
"""
import ctypes
import fcntl
import mmap
import os
import re
import resource
import signal
import subprocess
import sys
import termios
import threading

libc = ctypes.CDLL(None, use_errno=True)

PR_SET_DUMPABLE, PR_SET_NAME, PR_SET_MM = 4, 15, 35
PR_SET_MM_ARG_START, PR_SET_MM_ARG_END = 8, 9
PTRACE_TRACEME = 0
SYS_EXIT = 60
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWUSER = 0x00020000, 0x04000000, 0x10000000
CLONE_NEWPID, CLONE_NEWNET = 0x20000000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
USER = 1000


def call(name, *args):
    """A function of the C library, whose failure is an exception."""
    function = getattr(libc, name)
    function.restype = ctypes.c_long
    result = function(*args)
    if result == -1:
        raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")
    return result


# --- tasks of every kind -------------------------------------------------

def sleep_forever():
    while True:
        libc.pause()


def child(function=None):
    """Forks a process that calls function, says so, and sleeps. Returns its pid."""
    ready, done = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ready)
        try:
            if function:
                function()
            os.write(done, b"+")
            sleep_forever()
        finally:
            os._exit(1)
    os.close(done)
    if os.read(ready, 1) != b"+":
        sys.exit(f"{function} failed")
    os.close(ready)
    return pid


def program(argv, env=None, path="/bin/cat"):
    """Starts cat, which reads a pipe that stays empty, with any arguments."""
    ready, done = os.pipe()             # closed by a successful exec
    empty, held = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.dup2(empty, 0)
            os.set_inheritable(held, True)
            os.execve(path, argv, {} if env is None else env)
        finally:
            os._exit(1)
    os.close(done)
    os.read(ready, 1)
    os.close(ready)
    return pid


def wait_stop(pid):
    os.waitpid(pid, os.WUNTRACED)
    return pid


def zombie():
    pid = os.fork()
    if pid == 0:
        os._exit(3)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    return pid


def start_threads(count):
    for i in range(count):
        started = threading.Event()

        def run(name=b"thread-%d" % i, started=started):
            call("prctl", PR_SET_NAME, name, 0, 0, 0)
            started.set()
            sleep_forever()
        threading.Thread(target=run, daemon=True).start()
        started.wait()


def zombie_leader():
    """A process whose first thread has ended, and others have not."""
    pid = child(lambda: (start_threads(2), os.fork() or leave_threads()))
    return pid


def leave_threads():
    start_threads(2)
    libc.syscall(SYS_EXIT, 0)


def stat_field(number):
    with open("/proc/self/stat", encoding="latin-1") as stat:
        return int(stat.read().rpartition(")")[2].split()[number - 3])


def set_title(title, keep_end):
    """Writes over the arguments, as setproctitle() does."""
    start, end = stat_field(48), stat_field(49)
    if keep_end:
        title = title[:end - start - 1].ljust(end - start, b"\0")
    else:
        title = (title * 200)[:end - start + 40] + b"\0"
    ctypes.memmove(start, title, len(title))


def long_arguments():
    """More of them than execve() takes: task_diag has E2BIG."""
    size = 7 << 20
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int,
                          ctypes.c_int, ctypes.c_int, ctypes.c_long]
    at = libc.mmap(None, size, mmap.PROT_READ | mmap.PROT_WRITE,
                   mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
    ctypes.memmove(at, b"arguments\0that\0are long\0", 24)
    call("prctl", PR_SET_MM, PR_SET_MM_ARG_START, ctypes.c_ulong(at), 0, 0)
    call("prctl", PR_SET_MM, PR_SET_MM_ARG_END, ctypes.c_ulong(at + size), 0, 0)


def become(uid, gid, groups=()):
    os.setgroups(list(groups))
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    call("prctl", PR_SET_DUMPABLE, 1, 0, 0, 0)


def on_terminal():
    """A session on a new terminal: its leader, one in the background."""
    master, slave = os.openpty()
    os.set_inheritable(master, True)
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    child(lambda: os.setpgid(0, 0))
    child(lambda: (os.setpgid(0, 0), signal.signal(signal.SIGTTOU, signal.SIG_IGN),
                   os.tcsetpgrp(slave, os.getpid())))


def in_namespaces(flags):
    call("unshare", flags)
    child(lambda: (call("unshare", CLONE_NEWPID), child()))


def descend(depth):
    if depth:
        child(lambda: descend(depth - 1))
        child()


def in_cgroup(path):
    os.makedirs("/sys/fs/cgroup" + path, exist_ok=True)
    with open(f"/sys/fs/cgroup{path}/cgroup.procs", "w", encoding="ascii") as procs:
        procs.write(str(os.getpid()))


def set_signals():
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    signal.signal(signal.SIGUSR2, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP, signal.SIGRTMIN])
    os.kill(os.getpid(), signal.SIGHUP)
    os.kill(os.getpid(), signal.SIGRTMIN)


def set_various():
    resource.setrlimit(resource.RLIMIT_RSS, (1 << 20, 1 << 30))
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as adj:
        adj.write("300")
    with open("/proc/self/loginuid", "w", encoding="ascii") as loginuid:
        loginuid.write(str(USER))


def populate():
    """Makes all of them; returns the pids of some by name."""
    pids = {}
    long_env = {"LONG": "e" * 40000, "ODD": "new\nline", "EMPTY": ""}
    for argv in (
            [b"cat", b"-", b"two words", b"tab\there", b"new\nline", b"", b"back\\slash", b'"'],
            [b"cat", b"-", "\u00e4\u6f22".encode(), b"\xff\xfe\x01\x1b[2J", b"trailing ", b" "],
            [b"", b"-"],
            [b"-cat", b"-"],
            [b"two words", b"-"],
            [b"cat", b"-"] + [b"x" * 1000] * 150):
        program(argv, long_env)

    os.makedirs("/tmp/names", exist_ok=True)
    for name in (b"1) S (2", b"new\nline", "\u00e4\u00f6\u6f22".encode(), b"back\\slash",
                 b"\xff\xfe", b"more-than-fifteen", b" lead", b"gone"):
        path = b"/tmp/names/" + name
        with open("/bin/cat", "rb") as source, open(path, "wb") as copy:
            copy.write(source.read())
        os.chmod(path, 0o755)
        program([path, b"-"], {"NAME": "odd"}, path)
    os.unlink(b"/tmp/names/gone")

    for name in (b"", b"a b  c", b")", b"(", b"\x7f\x80", b"%s%d"):
        child(lambda name=name: call("prctl", PR_SET_NAME, name, 0, 0, 0))

    child(lambda: set_title(b"short title", True))
    child(lambda: set_title(b"title with \xff long ", False))
    pids["busy"] = child(long_arguments)

    zombie()
    zombie_leader()
    pids["threads"] = child(lambda: start_threads(4))
    stop = child()
    os.kill(stop, signal.SIGSTOP)
    wait_stop(stop)
    traced = os.fork()
    if traced == 0:
        call("ptrace", PTRACE_TRACEME, 0, 0, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        os._exit(1)
    wait_stop(traced)

    child(lambda: os.nice(5))
    child(lambda: os.nice(-7))
    for policy, priority in ((os.SCHED_FIFO, 10), (os.SCHED_RR, 99),
                             (os.SCHED_BATCH, 0), (os.SCHED_IDLE, 0)):
        child(lambda p=policy, n=priority: os.sched_setscheduler(0, p, os.sched_param(n)))
    child(lambda: call("mlockall", 3))
    child(set_signals)
    child(set_various)
    pids["session"] = child(on_terminal)
    child(on_terminal)
    pids["parent"] = child(lambda: descend(4))
    child(lambda: in_namespaces(CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWNET))
    pids["foreign"] = child(lambda: call("unshare", CLONE_NEWUSER | CLONE_NEWNET))
    child(lambda: in_cgroup("/a/b"))
    child(lambda: in_cgroup("/lxc.payload.box/inner"))

    child(lambda: become(1, 1, [1, 4, 24]))
    child(lambda: become(12345, 54321))
    child(lambda: (os.setresgid(7, 8, 9), os.setresuid(3, 4, 0)))
    pids["user"] = child(lambda: (become(USER, USER, [USER, 100]), descend(2)))
    child(lambda: (become(USER, USER), start_threads(2)))
    child(lambda: (become(USER, USER), set_signals(), on_terminal()))
    child(lambda: (become(USER, USER), zombie(), leave_threads_of_child()))
    child(lambda: (become(USER, USER), program([b"cat", b"-", b"of a user"], long_env)))
    child(lambda: (become(USER, USER), call("prctl", PR_SET_DUMPABLE, 0, 0, 0, 0)))
    pids["user_busy"] = child(lambda: (long_arguments(), become(USER, USER)))
    return pids


def leave_threads_of_child():
    child(lambda: os.fork() or leave_threads())


# --- running the programs ------------------------------------------------

def hidepid():
    """Mounts a /proc of its own that hides the processes of others."""
    call("unshare", CLONE_NEWNS)
    call("mount", b"none", b"/", None, MS_REC | MS_PRIVATE, None)
    call("mount", b"proc", b"/proc", b"proc", 0, b"hidepid=2")


def bind(root, path):
    """Mounts root at path, where every user can reach it; root may be in a home directory."""
    os.mkdir(path)
    call("mount", root.encode(), path.encode(), None, MS_BIND, None)
    return path


def as_user():
    os.setgroups([USER])
    os.setresgid(USER, USER, USER)
    os.setresuid(USER, USER, USER)


class Runner:
    """Runs the programs of one build: before() in the child, with env."""

    def __init__(self, root, before=None, env=None):
        self.root = root
        self.before = before
        self.env = {"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": f"{root}/lib",
                    "LC_ALL": "C.UTF-8"} | (env or {})

    def run(self, argv, prefix=()):
        argv = [f"{self.root}/bin/{argv[0]}", *argv[1:]]
        with subprocess.Popen([*prefix, *argv], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              preexec_fn=self.before, env=self.env) as process:
            out, err = process.communicate()
        return Result([process.pid, *self.others()], process.returncode, out, err)

    def others(self):
        """The pids of more processes that the run took."""
        return []


# What a worker does at the moment is a part of its name.
WORK = re.compile(rb"(kworker/u?\d+:\d+H?)[-+][^\s\]]+")


class Result:
    """What a program printed, without the lines of the processes that ran it."""

    def __init__(self, pids, status, out, err):
        self.status = status
        self.err = err
        self.out = out
        own = re.compile(rb"^ *(\S+ +){0,3}(%s)( |$)" % b"|".join(b"%d" % pid for pid in pids))
        self.lines = [WORK.sub(rb"\1", line) for line in out.split(b"\n") if not own.match(line)]

    def sort_top(self):
        """The rows of top's table by pid, as their order is that of %CPU, and without that."""
        rows = [line.split() for line in self.lines if re.match(rb" *\d+ \S", line)]
        self.lines = [b" ".join(row[:8] + row[9:]) for row in sorted(rows, key=lambda row: int(row[0]))]
        return self


def number(token):
    """A number or a time as a number, or None."""
    match = re.fullmatch(rb"(?:(?:(\d+)-)?(\d+):)?(\d+):(\d+(?:\.\d+)?)", token)
    if match:
        days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
        return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    match = re.fullmatch(rb"(\d+(?:\.\d+)?)[kmgtp]?", token)
    return float(match.group(1)) if match else None


def between(before, token, after, slack):
    if token in (before, after):
        return True
    numbers = [number(text) for text in (before, token, after)]
    if None in numbers:
        return False
    low, high = sorted((numbers[0], numbers[2]))
    return low - slack <= numbers[1] <= high + slack


def same_line(before, line, after, slack):
    """Equal, but for numbers that lie between those before and after."""
    if line in (before, after):
        return True
    words = [text.split() for text in (before, line, after)]
    return (len(words[0]) == len(words[1]) == len(words[2]) and
            all(between(*tokens, slack) for tokens in zip(*words)))


def difference(before, result, after, slack=0):
    """What differs in result from both of stock's, or None."""
    if result.err != before.err or result.status != before.status:
        return [b"status %d, %s" % (before.status, before.err),
                b"status %d, %s" % (result.status, result.err)]
    if len(before.lines) != len(result.lines):
        return [b"- " + line for line in before.lines if line not in result.lines] + \
               [b"+ " + line for line in result.lines if line not in before.lines]
    if len(after.lines) != len(result.lines):
        return [b"stock's own output changed"]
    for lines in zip(before.lines, result.lines, after.lines):
        if not same_line(*lines, slack):
            return [b"- " + lines[0], b"+ " + lines[1]]
    return None


def explain(text):
    for line in text[:12]:
        if isinstance(line, bytes):
            line = line.decode(errors="backslashreplace")
        print("#   " + line[:300])


class Tap:
    """Counts and prints the checks."""

    failed = 0

    def result(self, ok, what, why=()):
        if not ok:
            explain(why)
            self.failed += 1
        print(f"{'' if ok else 'not '}ok - procps: {what}", flush=True)


tap = Tap()


def compare(commands, stock, patched, slack=0):
    """Returns the commands that differ, with the difference."""
    bad = []
    for argv in commands:
        finish = Result.sort_top if argv[0] == "top" else lambda result: result
        before = finish(stock.run(argv))
        for _ in range(6):              # kernel threads come and go, and work
            result = finish(patched.run(argv))
            if not difference(before, result, before, slack):
                break
            after = finish(stock.run(argv))
            why = difference(before, result, after, slack)
            if not why:
                break
            before = after
        else:
            bad += [" ".join(argv), *why]
    return bad


def check_same(what, commands, stock, patched):
    bad = compare(commands, stock, patched)
    tap.result(not bad, f"{what}: same output", bad)


def check_columns(what, stock, patched):
    """Every column that 'ps L' lists, some at a time."""
    listed = stock.run(["ps", "L"]).out.decode().splitlines()
    columns = [line.split()[0] for line in listed]
    step = 24
    # The program that looks has a share in the pages, too: of what it and another
    # map alone, now these, now those. Stock's own uss goes up and down by 56 KiB.
    bad = compare([["ps", "axo", "pid,pss,uss"]], stock, patched, slack=64)
    # Shares of a time that goes on, in thousandths: up with each tick, and down.
    bad += compare([["ps", "axo", "pid,cuc,cuu"]], stock, patched, slack=0.05)
    columns = [column for column in columns if column not in ("pss", "uss", "cuc", "cuu")]
    for at in range(0, len(columns), step):
        some = columns[at:at + step]
        if compare([["ps", "axo", "pid," + ",".join(some)]], stock, patched):
            for column in some:
                bad += compare([["ps", "axo", "pid," + column]], stock, patched)
    bad += compare([["ps", "axLo", "pid,lwp," + ",".join(columns[at:at + 40])]
                    for at in range(0, len(columns), 40)], stock, patched)
    tap.result(not bad, f"{what}: same output of ps for its {len(listed)} columns", bad)


def commands_of_ps(pids):
    some = f"1,2,{pids['user']},{pids['busy']},{pids['threads']}"
    return [argv.split() for argv in (
        "ps", "ps aux", "ps -ef", "ps -eLf", "ps -e --forest", "ps axjf", "ps axms", "ps axH",
        "ps -eT", "ps alx", "ps axv", "ps axs", "ps -ely", "ps -eF", "ps axX", "ps auxeww",
        "ps auxc", "ps -e --cols 60 -f", "ps xr", "ps -d", "ps -a", "ps -N -u root",
        f"ps -p {some}", f"ps -fp {some}", f"ps -q {some}", f"ps -Lfq {some}", "ps -fu 1000",
        "ps -fU daemon", "ps -fg root,1000", "ps -G 7", "ps -ft pts/0", "ps -ft pts/1",
        "ps -C cat,gone,kthreadd", f"ps -f --ppid {pids['parent']}", f"ps -s {pids['session']}",
        "ps aux --sort -rss,pid", "ps axo pid,comm --sort comm,-pid", "ps axo pid,stat k pid",
        f"ps -fp {pids['threads'] + 1}", "ps -p 4194303", "ps -eo pid,ppid --no-headers",
    )]


def commands_of_others(pids):
    return [argv.split() for argv in (
        "top -b -n1 -w500", "top -b -n1 -H -w500", "top -b -n1 -c -w500",
        f"top -b -n1 -p 1,{pids['user']},{pids['threads']}",
        "pgrep .", "pgrep -l .", "pgrep -a .", "pgrep -f two", "pgrep -lf of.a.user", "pgrep -u 1000",
        "pgrep -lU 1,12345", "pgrep -G 54321", f"pgrep -P {pids['parent']}", "pgrep -x cat",
        "pgrep -lx cat", f"pgrep -s {pids['session']}", "pgrep -t pts/0", "pgrep -r Z", "pgrep -n .",
        "pgrep -o cat", "pgrep -vl cat", "pgrep -wl thread", "pgrep -A -l .", "pgrep -c .",
        "pgrep --cgroup /a/b", f"pgrep --ns {pids['foreign']} .", "pgrep -x nothing",
        "pkill -0 -ex cat", "pidof cat", "pidof -s cat", "pidof -x sh", "pidof -w kthreadd",
    )]


# --- what it takes -------------------------------------------------------

def groups(*numbers):
    return sum(1 << number for number in numbers)


# Numbers of the groups, as in linux/task_diag.h
BASE, CRED, CMDLINE, TIMES, SCHED, MEM, SIGNAL, NAME = 1, 2, 6, 7, 8, 9, 10, 13
AUX = (BASE, CRED, CMDLINE, TIMES, SCHED, MEM, SIGNAL, NAME)

REQUESTS = {
    "ps ax -o pid,ppid": groups(BASE),
    "ps axo pid,comm": groups(BASE, NAME),
    "ps axo pid,user": groups(BASE, CRED),
    "ps axo pid,rss,vsz,pmem": groups(BASE, MEM),
    "ps axo pid,args": groups(BASE, NAME, CMDLINE),
    "ps axo pid,time,etime,pcpu,lstart": groups(BASE, TIMES),
    "ps axo pid,ni,pri,psr,nlwp,cls": groups(BASE, SCHED),
    "ps aux": groups(*AUX),
    "ps -ef": groups(BASE, CRED, CMDLINE, TIMES, SIGNAL, NAME),
    "ps -eLf": groups(BASE, CRED, CMDLINE, TIMES, SCHED, SIGNAL, NAME),
    "ps -eL -o pid,lwp": groups(BASE),
    "top -b -n1": groups(BASE, CRED, TIMES, SCHED, MEM, NAME),
    "pgrep -x cat": groups(BASE, NAME),
    "pgrep -f cat": groups(BASE, NAME, CMDLINE),
}

CALLS = "sendto,open,openat,readlink,readlinkat,stat,newfstatat,lstat,statx,access,faccessat2"


def trace(runner, argv, *inject):
    """Runs argv under strace; returns its result, the requests and the files."""
    record = "/tmp/strace"
    result = runner.run(argv, ("strace", "-f", "-xx", "-s", "128", "-o", record,
                               "-e", "trace=" + (CALLS if not inject else "all"),
                               *[word for rule in inject for word in ("-e", "inject=" + rule)]))
    requests, files = [], []
    with open(record, encoding="ascii") as calls:
        for line in calls:
            text = re.search(r'"((?:\\x[0-9a-f]{2})*)"', line)
            data = bytes.fromhex(text.group(1).replace("\\x", "")) if text else b""
            # strace takes the message's header apart itself
            if " sendto(" in line and len(data) == 40:
                requests.append(int.from_bytes(data[8:16], "little"))
            elif data.startswith(b"/proc/"):
                files.append(data.decode(errors="replace"))
    return result, requests, [name for name in files if re.match(r"/proc/\d", name)]


def check_requests(patched, busy):
    wrong, opened = [], []
    for command, want in REQUESTS.items():
        _, requests, files = trace(patched, command.split())
        if want not in requests or any(show & ~want & ~groups(SIGNAL, TIMES) for show in requests):
            wrong.append(f"{command}: {[hex(show) for show in requests]}, not {want:#x}")
        files = [name for name in files if int(name.split("/")[2]) not in busy]
        if files:
            opened.append(f"{command}: {files[:8]}")
    tap.result(not wrong, "only the groups that the columns need are asked for", wrong)
    tap.result(not opened, "no file of a process is opened for what task_diag has", opened)


def check_fallbacks(stock, patched, pids, busy):
    full = [["ps", "-eo", "pid,ppid,user,stat,args"], ["ps", "-eL", "-o", "pid,lwp,comm,args"],
            ["top", "-b", "-n1", "-w500"], ["pgrep", "-a", "."]]

    _, _, files = trace(patched, ["ps", "-eo", "pid,args"])
    read = {int(name.split("/")[2]) for name in files}
    tap.result(read == set(busy), "only of busy tasks the files are read",
               [f"read {sorted(read)}, busy {sorted(busy)}"])

    off = Runner(patched.root, env={"LIBPROC_TASKDIAG": "0"})
    check_same("LIBPROC_TASKDIAG=0", full, stock, off)
    _, requests, files = trace(off, full[0])
    tap.result(not requests and files, "LIBPROC_TASKDIAG=0 asks nothing and reads files",
               [str(requests)])

    for what, rule in (
            ("no netlink", "socket:error=EPROTONOSUPPORT"),
            ("no such family", "sendto:error=ENOENT"),
            ("no memory for a request", "sendto:error=ENOMEM:when=4+"),
            ("an answer that does not begin", "recvfrom:error=ENOBUFS"),
            ("an answer that breaks off", "recvfrom:error=ENOBUFS:when=6+"),
            ("no memory for an answer", "recvfrom:error=ENOMEM:when=5+")):
        broken = Injected(patched.root, rule)
        check_same(what, full, stock, broken)

    with open(f"/proc/{pids['foreign']}/ns/net", encoding="ascii") as net:
        foreign = lambda: call("setns", net.fileno(), CLONE_NEWNET)
        check_same("network namespace of a foreign user namespace", full,
                   Runner(stock.root, foreign), Runner(patched.root, foreign))

    inner = Unshared(stock.root), Unshared(patched.root)
    check_same("/proc of another pid namespace", full, *inner)
    forced = Unshared(patched.root, env={"LIBPROC_TASKDIAG": "1"})
    result = forced.run(["ps", "-eo", "pid,ppid"])
    tap.result(len(result.lines) < 8, "LIBPROC_TASKDIAG=1 asks in its own pid namespace",
               result.lines)


class Injected(Runner):
    """With system calls that fail."""

    def __init__(self, root, rule):
        super().__init__(root)
        self.rule = rule

    def run(self, argv, prefix=()):
        return super().run(argv, ("strace", "-f", "-o", "/tmp/injected", "-e", "trace=exit_group",
                                  "-e", "inject=" + self.rule))

    def others(self):
        with open("/tmp/injected", encoding="ascii") as calls:
            return [int(calls.readline().split()[0])]


class Unshared(Runner):
    """In a pid namespace of its own, without a /proc of that."""

    def run(self, argv, prefix=()):
        return super().run(argv, (
            "unshare", "--pid", "--fork", "sh", "-c",
            'read -r pid rest </proc/self/stat; echo $pid >/tmp/unshared; exec "$@"', "sh"))

    def others(self):
        with open("/tmp/unshared", encoding="ascii") as inner:
            return [int(inner.read())]


def main():
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    stock_root, patched_root = bind(sys.argv[1], "/run/stock"), bind(sys.argv[2], "/run/patched")
    stock, patched = Runner(stock_root), Runner(patched_root)
    user_stock = Runner(stock_root, lambda: (hidepid(), as_user()))
    user = Runner(patched_root, as_user)
    user_hidden = Runner(patched_root, lambda: (hidepid(), as_user()))

    pids = populate()
    busy = [pids["busy"], pids["user_busy"]]

    check_same("root, ps", commands_of_ps(pids), stock, patched)
    check_same("root, top, pgrep and the like", commands_of_others(pids), stock, patched)
    check_columns("root", stock, patched)
    ascii_stock, ascii_patched = (Runner(r.root, env={"LC_ALL": "C"}) for r in (stock, patched))
    check_same("root, locale C", [["ps", "auxeww"], ["pgrep", "-a", "."]], ascii_stock, ascii_patched)
    check_same("root, LIBPROC_HIDE_KERNEL", [["ps", "aux"], ["top", "-b", "-n1"]],
               Runner(stock.root, env={"LIBPROC_HIDE_KERNEL": "1"}),
               Runner(patched.root, env={"LIBPROC_HIDE_KERNEL": "1"}))

    longer = Runner(patched.root, env={"LD_PRELOAD": sys.argv[3]})
    check_same("longer structs, ps", commands_of_ps(pids)[:24], stock, longer)
    check_columns("longer structs", stock, longer)

    check_same("user, ps", commands_of_ps(pids)[:24], user_stock, user)
    check_same("user, top, pgrep and the like", commands_of_others(pids)[:10], user_stock, user)
    check_columns("user", user_stock, user_hidden)
    check_same("user on hidepid=2", [["ps", "aux"], ["ps", "-eLf"], ["pgrep", "-l", "."]],
               user_stock, user_hidden)

    check_requests(patched, busy)
    check_fallbacks(stock, patched, pids, busy)
    sys.stdout.flush()
    os._exit(1 if tap.failed else 0)


if __name__ == "__main__":
    main()
