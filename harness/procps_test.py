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
import struct
import subprocess
import sys
import termios
import threading
import time

libc = ctypes.CDLL(None, use_errno=True)

PR_SET_DUMPABLE, PR_SET_NAME, PR_CAPBSET_DROP, PR_SET_MM = 4, 15, 24, 35
PR_SET_MM_ARG_START, PR_SET_MM_ARG_END = 8, 9
PTRACE_TRACEME = 0
SYS_EXIT, SYS_SETRESUID, SYS_SETRESGID = 60, 117, 119
SYS_LANDLOCK_CREATE_RULESET, SYS_LANDLOCK_RESTRICT_SELF = 444, 446
CAP_SYS_PTRACE = 19
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWUSER = 0x00020000, 0x04000000, 0x10000000
CLONE_NEWPID, CLONE_NEWNET = 0x20000000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
MNT_DETACH = 2
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


def set_ids_of_thread(uid):
    """The C library would change all threads."""
    libc.syscall(SYS_SETRESGID, uid, uid, uid)
    libc.syscall(SYS_SETRESUID, uid, uid, uid)


def start_threads(count, uid=None):
    """Threads with names of their own; of another user, if uid says so."""
    for i in range(count):
        started = threading.Event()

        def run(name=b"thread-%d" % i, started=started):
            call("prctl", PR_SET_NAME, name, 0, 0, 0)
            if uid is not None:
                set_ids_of_thread(uid)
            started.set()
            sleep_forever()
        threading.Thread(target=run, daemon=True).start()
        started.wait()


def start_threads_of_users(uid):
    """Of several, and the leader of this one."""
    for other in (0, 1, USER):
        start_threads(1, other)
    set_ids_of_thread(uid)
    call("prctl", PR_SET_DUMPABLE, 1, 0, 0, 0)


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


def set_arguments(text, size):
    """Makes a mapping of that size, which begins with text, the arguments; returns it."""
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int,
                          ctypes.c_int, ctypes.c_int, ctypes.c_long]
    at = libc.mmap(None, size, mmap.PROT_READ | mmap.PROT_WRITE,
                   mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
    ctypes.memmove(at, text, len(text))
    call("prctl", PR_SET_MM, PR_SET_MM_ARG_START, ctypes.c_ulong(at), 0, 0)
    call("prctl", PR_SET_MM, PR_SET_MM_ARG_END, ctypes.c_ulong(at + size), 0, 0)
    return at


def long_arguments():
    """More of them than execve() takes: task_diag has E2BIG."""
    set_arguments(b"arguments\0that\0are long\0", 7 << 20)


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

    pids["daemon"] = child(lambda: become(1, 1, [1, 4, 24]))
    child(lambda: become(12345, 54321))
    child(lambda: (os.setresgid(7, 8, 9), os.setresuid(3, 4, 0)))
    pids["user"] = child(lambda: (become(USER, USER, [USER, 100]), descend(2)))
    child(lambda: (become(USER, USER), start_threads(2)))
    child(lambda: start_threads_of_users(USER))
    child(lambda: start_threads_of_users(1))
    child(lambda: (become(USER, USER), set_signals(), on_terminal()))
    child(lambda: (become(USER, USER), zombie(), leave_threads_of_child()))
    child(lambda: (become(USER, USER), program([b"cat", b"-", b"of a user"], long_env)))
    child(lambda: (become(USER, USER), call("prctl", PR_SET_DUMPABLE, 0, 0, 0, 0)))
    pids["user_busy"] = child(lambda: (long_arguments(), become(USER, USER)))
    return pids


def leave_threads_of_child():
    child(lambda: os.fork() or leave_threads())


# --- running the programs ------------------------------------------------

def own_mounts():
    call("unshare", CLONE_NEWNS)
    call("mount", b"none", b"/", None, MS_REC | MS_PRIVATE, None)


def hidepid(options):
    """Mounts a /proc of its own, with options."""
    own_mounts()
    call("mount", b"proc", b"/proc", b"proc", 0, options)


def leave_proc():
    """Goes where there is no /proc."""
    own_mounts()
    call("umount2", b"/proc", MNT_DETACH)


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

    def run(self, argv, prefix=(), timeout=None):
        argv = [f"{self.root}/bin/{argv[0]}", *argv[1:]]
        with subprocess.Popen([*prefix, *argv], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              preexec_fn=self.before, env=self.env) as process:
            try:
                out, err = process.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
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

    def __init__(self, name):
        self.name = name

    def result(self, ok, what, why=()):
        if not ok:
            explain(why)
            self.failed += 1
        print(f"{'' if ok else 'not '}ok - {self.name}: {what}", flush=True)


tap = Tap("procps")


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


def commands_for_everybody(pids):
    other = pids["daemon"]
    return [argv.split() for argv in (
        "ps -e", "ps aux", "ps -eLf", "ps -eo pid,user", f"ps -p {other}", f"ps -Lfp 2,{other}",
        "ps -p 4194303", "pgrep -x cat", "pgrep -lf .", "pgrep -u daemon", "pgrep -x nothing",
        "pkill -0 -ex cat", "top -b -n1 -w500")]


def commands_for_some(pids):
    other = f"{pids['daemon']},{pids['threads']},{pids['user']}"
    return [argv.split() for argv in (
        "ps axms", "ps -e --forest", "ps auxeww", "ps axo pid,ppid", "ps axo pid,rchars,netns,exe",
        "ps axo pid,supgrp,caught,wchan,tty,rss,cgroup", "ps -fu daemon", "ps xf",
        f"ps -fp {other}", f"ps -Lfp {other}", f"ps -fq {other}", f"ps -Lfq {other}",
        f"ps -fp {pids['threads'] + 1}", f"pgrep -P {pids['parent']}", "pidof cat",
        "top -b -n1 -H -w500", f"top -b -n1 -p {other}")]


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
    "ps -eL -o pid,lwp": groups(BASE, TIMES),   # for the order of threads
    "top -b -n1": groups(BASE, CRED, TIMES, SCHED, MEM, NAME),
    "pgrep -x cat": groups(BASE, NAME),
    "pgrep -f cat": groups(BASE, NAME, CMDLINE),
}

CALLS = "sendmsg,open,openat,readlink,readlinkat,stat,newfstatat,lstat,statx,access,faccessat2"


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
            if " sendmsg(" in line and len(data) == 40:
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
            ("no such family", "sendmsg:error=ENOENT"),
            ("no memory for a request", "sendmsg:error=ENOMEM:when=3+"),
            ("an answer that does not begin", "recvfrom:error=ENOBUFS"),
            ("an answer that breaks off", "recvfrom:error=ENOBUFS:when=6+"),
            ("no memory for an answer", "recvfrom:error=ENOMEM:when=5+")):
        broken = Injected(patched.root, rule)
        check_same(what, full, stock, broken)

    with open(f"/proc/{pids['foreign']}/ns/net", encoding="ascii") as net:
        foreign = lambda: call("setns", net.fileno(), CLONE_NEWNET)
        check_same("network namespace of a foreign user namespace", full,
                   Runner(stock.root, foreign), Runner(patched.root, foreign))


class Injected(Runner):
    """With system calls that fail."""

    def __init__(self, root, rule):
        super().__init__(root)
        self.rule = rule

    def run(self, argv, prefix=(), timeout=None):
        return super().run(argv, ("strace", "-f", "-o", "/tmp/injected", "-e", "trace=exit_group",
                                  "-e", "inject=" + self.rule), timeout)

    def others(self):
        with open("/tmp/injected", encoding="ascii") as calls:
            return [int(calls.readlines()[-1].split()[0])]   # it ends after its helper


class Prefixed(Runner):
    """With a program before, which may go to another pid namespace."""

    def __init__(self, root, *prefix):
        super().__init__(root)
        self.prefix = prefix

    def run(self, argv, prefix=(), timeout=None):
        return super().run(argv, (
            *self.prefix, "sh", "-c",
            'read -r pid rest </proc/self/stat; echo $pid >/tmp/self; exec "$@"', "sh"), timeout)

    def others(self):
        with open("/tmp/self", encoding="ascii") as inner:
            return [int(inner.read())]


# --- who may not see all, or not there -----------------------------------

# As Docker has it: chown, dac_override, fowner, fsetid, kill, setgid, setuid, setpcap,
# net_bind_service, net_raw, sys_chroot, mknod, audit_write, setfcap
DOCKER = (0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31)


def other_capabilities():
    with open("/proc/sys/kernel/cap_last_cap", encoding="ascii") as last:
        return set(range(int(last.read()) + 1)) - set(DOCKER)


def drop_capabilities(which):
    """A program that root starts is not going to have them."""
    for capability in which:
        call("prctl", PR_CAPBSET_DROP, capability, 0, 0, 0)


def without_ptrace():
    drop_capabilities([CAP_SYS_PTRACE])


def enter_sandbox():
    """One of Landlock that forbids to make character devices, and to trace others."""
    rules = ctypes.c_uint64(1 << 6)
    ruleset = call("syscall", SYS_LANDLOCK_CREATE_RULESET, ctypes.byref(rules), 8, 0)
    call("syscall", SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0)


def contain():
    """Starts a container, with tasks of more capabilities than it gives and of as many."""
    own_mounts()
    call("unshare", CLONE_NEWPID)
    ready, done = os.pipe()
    pid = os.fork()
    if pid == 0:
        call("mount", b"proc", b"/proc", b"proc", 0, None)
        child(lambda: start_threads(2))
        child(lambda: become(1, 1))
        child(lambda: (drop_capabilities(other_capabilities()),
                       program([b"cat", b"-", b"in a container"])))
        os.write(done, b"+")
        sleep_forever()
    os.read(ready, 1)
    with open("/tmp/container", "w", encoding="ascii") as container:
        container.write(str(pid))


def docker(root, pid):
    drop = ",".join(f"-cap_{capability}" for capability in other_capabilities())
    return Prefixed(root, "nsenter", f"--target={pid}", "--pid", "--mount",
                    "setpriv", f"--bounding-set={drop}")


def tracer(root):
    """A user who may see all tasks, but not read all that they own."""
    return Prefixed(root, "setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups",
                    "--inh-caps=+sys_ptrace", "--ambient-caps=+sys_ptrace")


def check_everybody(stock, patched, pids):
    few = commands_for_everybody(pids)
    some = commands_for_some(pids)

    def check(what, commands, make):
        check_same(what, commands, make(stock.root), make(patched.root))

    check("root without CAP_SYS_PTRACE", few + some, lambda root: Runner(root, without_ptrace))
    check("root in a Landlock sandbox", few[:4], lambda root: Runner(root, enter_sandbox))
    check("user, what is of others", few[4:12] + some, lambda root: Runner(root, as_user))
    for options, commands in ((b"hidepid=1", few), (b"hidepid=2", few),
                              (b"hidepid=2,gid=%d" % USER, few), (b"hidepid=4", few[:4])):
        check("user on " + options.decode(), commands,
              lambda root, options=options: Runner(root, lambda: (hidepid(options), as_user())))
    check("user with CAP_SYS_PTRACE alone", [["ps", "auxeww"], ["ps", "axo", "pid,rchars,wbytes"]],
          tracer)
    check("/proc of another pid namespace", few,
          lambda root: Prefixed(root, "unshare", "--pid", "--fork"))
    check("no /proc", few, lambda root: Runner(root, leave_proc))

    child(contain)
    with open("/tmp/container", encoding="ascii") as container:
        pid = int(container.read())
    inside = [argv.split() for argv in (
        "ps -e", "ps aux", "ps -eLf", "ps auxeww", "ps -p 1", "ps -fp 2,3", "ps -fu daemon",
        "ps -p 4194303", "pgrep -x cat", "pgrep -lf .", "pgrep -u daemon", "pgrep -x nothing",
        "pkill -0 -ex cat", "top -b -n1", "top -b -n1 -H")]
    check("root of a container", inside, lambda root: docker(root, pid))


def check_split_threads(stock, patched):
    """So many that some are told in two datagrams, with their birth in the second."""
    pid = child(lambda: (set_arguments(b"x" * 299 + b"\0", 300), start_threads(700)))
    check_same("threads that are told in two datagrams",
               [["ps", "-eL", "-o", "pid,lwp,comm,args"],
                ["ps", "-eL", "-o", "pid,lwp,comm,user,stat,psr,tty,args"],
                ["ps", "-Lp", str(pid), "-o", "pid,lwp,comm,args"]], stock, patched)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def check_unlisted(patched):
    """Who is told of all does not list them, unless one was born meanwhile."""
    for _ in range(6):
        patched.run(["ps", "-eL", "-o", "pid,lwp,args"], (
            "strace", "-f", "-o", "/tmp/listed", "-e", "trace=getdents64"))
        with open("/tmp/listed", encoding="ascii") as calls:
            lists = [line for line in calls if "getdents64" in line and ", 1024)" not in line]
        if not lists:
            break
    tap.result(not lists, "root lists nobody", lists)


def set_sysctl(name, value):
    """Of kernel. The file is opened each time: it takes one write."""
    with open(f"/proc/sys/kernel/{name}", "w", encoding="ascii") as sysctl:
        sysctl.write(str(value))


# --- a process whose memory is locked for ever ----------------------------

FUSE = "/run/fuse"
LOOKUP, FORGET, GETATTR, OPEN, READ, INIT, INTERRUPT, BATCH_FORGET = 1, 2, 3, 14, 15, 26, 36, 42


def serve_fuse(fuse):
    """A file system of files of which no page ever comes."""
    while True:
        request = os.read(fuse, 1 << 16)
        opcode, unique, node = struct.unpack_from("<4xIQQ", request)

        def attributes(node):
            mode = 0o40755 if node == 1 else 0o100644
            return struct.pack("<6Q10I", node, 4096, 8, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)
        if opcode == INIT:
            data = struct.pack("<4I2H2I2H8I", 7, 31, 0, 0, 0, 0, 4096, 0, 0, 0, *[0] * 8)
        elif opcode == LOOKUP:
            node = 2 + len(request)     # one for each length of a name
            data = struct.pack("<4Q2I", node, 0, 3600, 3600, 0, 0) + attributes(node)
        elif opcode == GETATTR:
            data = struct.pack("<Q2I", 3600, 0, 0) + attributes(node)
        elif opcode == OPEN:
            flags = struct.unpack_from("<I", request, 40)[0]
            data = struct.pack("<QII", 0, 1 if flags & os.O_APPEND else 0, 0)   # FOPEN_DIRECT_IO
        elif opcode in (READ, FORGET, INTERRUPT, BATCH_FORGET):
            continue
        else:
            os.write(fuse, struct.pack("<IiQ", 16, -38, unique))
            continue
        os.write(fuse, struct.pack("<IiQ", 16 + len(data), 0, unique) + data)


def start_fuse():
    os.mkdir(FUSE)
    fuse = os.open("/dev/fuse", os.O_RDWR)
    call("mount", b"fuse", FUSE.encode(), b"fuse", 0,
         b"fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other" % fuse)
    pid = os.fork()
    if pid == 0:
        serve_fuse(fuse)
    os.close(fuse)
    return pid


def wait_for_page(fd, offset=0):
    try:
        os.pread(fd, 1, offset)
    except OSError:                     # the server has ended
        pass


def hold_memory(how):
    """
    A user's process that keeps others from reading its memory: it holds the lock of it for
    "read", as it reads its own memory where the file is mapped, and waits to map something,
    before which nobody else gets it; or for "write", as it maps the file that then waits for
    the page which is being read. That lock is needed to know that there is nothing where its
    arguments are said to be.
    """
    nothing = set_arguments(b"", 4096)
    call("munmap", ctypes.c_void_p(nothing), ctypes.c_size_t(4096))
    become(USER, USER)
    file = os.open(f"{FUSE}/{how}", os.O_RDONLY)
    if how == "read":
        page = libc.mmap(None, 4096, mmap.PROT_READ, mmap.MAP_PRIVATE, file, 0)
        waits = os.open("/proc/self/mem", os.O_RDONLY), page
        map_it = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1
    else:
        waits = file, 0
        map_it = mmap.MAP_PRIVATE, os.open(f"{FUSE}/{how}", os.O_RDONLY | os.O_APPEND)
    threading.Thread(target=wait_for_page, args=waits).start()
    time.sleep(0.5)
    libc.mmap(None, 4096, mmap.PROT_READ, *map_it, 0)


def start_holder(how):
    pid = os.fork()
    if pid == 0:
        try:
            hold_memory(how)
        finally:
            os._exit(1)
    deadline = time.monotonic() + 30
    while not (state(pid) == "D" and hangs(f"/proc/{pid}/cmdline")):
        if time.monotonic() > deadline:
            sys.exit(f"the lock is not held to {how}")
    return pid


def state(pid):
    with open(f"/proc/{pid}/stat", encoding="latin-1") as stat:
        return stat.read().rpartition(")")[2].split()[0]


def hangs(path):
    with subprocess.Popen(["cat", path], stdout=subprocess.DEVNULL) as process:
        try:
            process.wait(1)
            return False
        except subprocess.TimeoutExpired:
            process.kill()
            return True


def check_locked_memory(patched):
    set_sysctl("hung_task_timeout_secs", 0)     # no report of those that are meant to hang
    server = start_fuse()
    pids = [start_holder(how) for how in ("read", "write")]
    bad = []
    for who, before in (("root", None), ("root without CAP_SYS_PTRACE", without_ptrace),
                        ("its user", as_user), ("another user", lambda: os.setresuid(1, 1, 1))):
        for argv in ("ps aux", "ps auxeww", "ps -eLf", "ps axo pid,pss,rchars,args", "top -b -n1 -c",
                     "pgrep -f zzz", f"ps -fp {pids[1]},2"):
            what = f"{who}: {argv}"
            try:
                result = Runner(patched.root, before).run(argv.split(), timeout=20)
            except subprocess.TimeoutExpired:
                bad.append(f"{what} hangs")
                continue
            if "zzz" in argv:
                if (result.status, result.out) != (1, b""):
                    bad.append(f"{what}: status {result.status}")
                continue
            lines = [line for line in result.lines
                     if re.search(rb"\b(%d|2)\b" % pids[1], line) and
                     re.search(rb"python3|kthreadd", line)]
            if result.status or len(lines) < 2:
                bad.append(f"{what}: status {result.status}, {lines}")
    tap.result(not bad, "processes whose memory is locked for ever stop nobody", bad)
    for pid in (server, *pids):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def main():
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    stock_root, patched_root = bind(sys.argv[1], "/run/stock"), bind(sys.argv[2], "/run/patched")
    stock, patched = Runner(stock_root), Runner(patched_root)
    user_stock, user = Runner(stock_root, as_user), Runner(patched_root, as_user)

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
    check_columns("user", user_stock, user)
    check_everybody(stock, patched, pids)

    check_requests(patched, busy)
    check_fallbacks(stock, patched, pids, busy)
    check_unlisted(patched)
    check_split_threads(stock, patched)
    check_locked_memory(patched)
    sys.stdout.flush()
    os._exit(1 if tap.failed else 0)


if __name__ == "__main__":
    main()
