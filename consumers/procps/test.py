#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Compares a patched procps with the stock one on tasks of every kind.

usage: test.py STOCK PATCHED LONGER

The first two are directories with the programs' bin, LONGER is a library to preload
that makes the kernel's structs longer. For harness/vm: needs root, and a kernel with
task_diag. Prints TAP.
"""
import ctypes
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import threading

from runner import Prefixed, Result, Runner, Tap, between
from zoo import (CLONE_NEWNET, CLONE_NEWPID, MNT_DETACH, MS_BIND, MS_REC, PR_SET_NAME,
                 SYS_LANDLOCK_CREATE_RULESET, SYS_LANDLOCK_RESTRICT_SELF, USER, as_user, become,
                 bind, call, child, children, hidepid, leave_proc, let_execve, libc, own_mounts,
                 populate, read, set_arguments, set_sysctl, start_before_execve, start_container,
                 start_fuse, start_holder, start_threads, wait_until, without_ptrace)

# --- comparing what they print --------------------------------------------

def same_line(before, line, after, slack):
    """Equal, except for numbers that lie between those before and after."""
    if line in (before, after):
        return True
    words = [text.split() for text in (before, line, after)]
    return (len(words[0]) == len(words[1]) == len(words[2]) and
            all(between(*tokens, slack) for tokens in zip(*words)))


def difference(before, result, after, slack=0):
    """How result differs from both of stock's, or None."""
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


tap = Tap("procps")
TRIES = 12                              # kernel threads start, end and work


def compare(commands, stock, patched, slack=0):
    """Returns the commands whose output differs, with the difference."""
    bad = []
    for argv in commands:
        finish = Result.sort_top if argv[0] == "top" else lambda result: result
        before = finish(stock.run(argv))
        for _ in range(TRIES):
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
    """Compares every column that 'ps L' lists, some at a time."""
    listed = stock.run(["ps", "L"]).out.decode().splitlines()
    columns = [line.split()[0] for line in listed]
    step = 24
    # ps itself shares pages, too, and the pages that only it and one other process map
    # vary. Stock's own uss goes up and down by 56 KiB.
    bad = compare([["ps", "axo", "pid,pss,uss"]], stock, patched, slack=64)
    # Shares of a running time, in thousandths, go up with each tick, and down.
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


def check_sort(pids, stock, patched):
    """Sorts some tasks that do not change by each column that 'ps L' lists."""
    columns = [line.split()[0] for line in stock.run(["ps", "L"]).out.decode().splitlines()]
    # These are not listed, because they cannot be shown.
    columns += ["cutime", "resident", "utime", "vm_data", "vm_lock", "vm_stack"]
    some = ",".join(str(pid) for pid in (1, 2, *pids.values()))
    bad = compare([["ps", "-p", some, "-o", "pid", "--sort", column + ",pid"]
                   for column in columns], stock, patched)
    bad += compare([["ps", "axo", "pid", "--sort", "-vm_lock,pid"]], stock, patched)
    tap.result(not bad, f"same order of ps for {len(columns)} columns", bad)


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


# --- what it costs -------------------------------------------------------

def groups(*numbers):
    return sum(1 << number for number in numbers)


# Numbers of the groups, as in linux/task_diag.h
BASE, CRED, CMDLINE, TIMES, SCHED, MEM, SIGNAL, NAME = 1, 2, 6, 7, 8, 9, 10, 13
WCHAN, AUTOGROUP = 28, 29
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
    "ps axl": groups(*AUX, WCHAN),
    "ps axo pid,ag_id,ag_nice": groups(BASE, AUTOGROUP),
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
        lines = calls.readlines()
        if not any("open" in line for line in lines):
            sys.exit(f"strace recorded no call of {argv}")
        for line in lines:
            text = re.search(r'"((?:\\x[0-9a-f]{2})*)"', line)
            data = bytes.fromhex(text.group(1).replace("\\x", "")) if text else b""
            # strace decodes the message's header itself
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
            ("an answer that ends early", "recvfrom:error=ENOBUFS:when=6+"),
            ("no memory for an answer", "recvfrom:error=ENOMEM:when=5+")):
        broken = Injected(patched.root, rule)
        bad = compare(full, stock, broken)
        if not broken.injected:
            bad.append("no call failed")
        tap.result(not bad, f"{what}: same output", bad)

    with open(f"/proc/{pids['foreign']}/ns/net", encoding="ascii") as net:
        foreign = lambda: call("setns", net.fileno(), CLONE_NEWNET)
        check_same("network namespace of a foreign user namespace", full,
                   Runner(stock.root, foreign), Runner(patched.root, foreign))


class Injected(Runner):
    """Runs the programs with system calls that fail."""

    def __init__(self, root, rule):
        super().__init__(root)
        self.rule = rule
        self.injected = False           # into any of the runs

    def run(self, argv, prefix=(), timeout=None):
        traced = "trace=exit_group," + self.rule.split(":", maxsplit=1)[0]
        return super().run(argv, ("strace", "-f", "-o", "/tmp/injected", "-e", traced,
                                  "-e", "inject=" + self.rule), timeout)

    def others(self):
        lines = read("/tmp/injected").splitlines()
        self.injected |= any("(INJECTED)" in line for line in lines)
        return [int(lines[-1].split()[0])]      # ps ends after its helper


# --- who may not see all tasks, or not in /proc -----------------------------------

def enter_sandbox():
    """A Landlock domain that forbids creating character devices and tracing others."""
    rules = ctypes.c_uint64(1 << 6)
    ruleset = call("syscall", SYS_LANDLOCK_CREATE_RULESET, ctypes.byref(rules), 8, 0)
    call("syscall", SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0)


def tracer(root):
    """A user who may see all tasks, but not read all of their files."""
    return Prefixed(root, "setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups",
                    "--inh-caps=+sys_ptrace", "--ambient-caps=+sys_ptrace")


def enter_root():
    """Changes to a root directory in which /proc is empty."""
    own_mounts()
    call("mount", b"/", b"/mnt", None, MS_BIND, None)
    call("mount", b"/run", b"/mnt/run", None, MS_BIND | MS_REC, None)
    os.chroot("/mnt")


MOUNTS = {options: lambda options=options: hidepid(options.encode())
          for options in ("subset=pid", "hidepid=2", "hidepid=4")}
MOUNTS |= {"no /proc in the mount namespace": leave_proc, "a root without /proc": enter_root}


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
    for who, become_who in (("root", lambda: None), ("root without CAP_SYS_PTRACE", without_ptrace),
                            ("user", as_user)):
        for what, enter in MOUNTS.items():
            check(f"{who}, {what}", few[:3], lambda root, enter=enter, become_who=become_who:
                  Runner(root, lambda: (enter(), become_who())))
    check("user with CAP_SYS_PTRACE alone", [["ps", "auxeww"], ["ps", "axo", "pid,rchars,wbytes"]],
          tracer)
    check("/proc of another pid namespace", few,
          lambda root: Prefixed(root, "unshare", "--pid", "--fork"))
    check("/proc of another pid namespace, user", few[1:3], lambda root: Prefixed(
        root, "unshare", "--pid", "--fork", "setpriv", f"--reuid={USER}", "--clear-groups"))
    check("no /proc", few, lambda root: Runner(root, leave_proc))

    _, prefix = start_container()
    inside = [argv.split() for argv in (
        "ps -e", "ps aux", "ps -eLf", "ps auxeww", "ps -p 1", "ps -fp 2,3", "ps -fu daemon",
        "ps -p 4194303", "pgrep -x cat", "pgrep -lf .", "pgrep -u daemon", "pgrep -x nothing",
        "pkill -0 -ex cat", "top -b -n1", "top -b -n1 -H")]
    check("root of a container", inside, lambda root: Prefixed(root, *prefix))


def check_split_threads(stock, patched):
    """So many threads that some come in two datagrams, with their start in the second."""
    pid = child(lambda: (set_arguments(b"x" * 299 + b"\0", 300), start_threads(700)))
    check_same("threads that are told in two datagrams",
               [["ps", "-eL", "-o", "pid,lwp,comm,args"],
                ["ps", "-eL", "-o", "pid,lwp,comm,user,stat,psr,tty,args"],
                ["ps", "-Lp", str(pid), "-o", "pid,lwp,comm,args"]], stock, patched)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def check_unlisted(patched):
    """A caller that sees all tasks lists /proc only if a task starts during the dump."""
    for _ in range(6):
        patched.run(["ps", "-eL", "-o", "pid,lwp,args"], (
            "strace", "-f", "-o", "/tmp/listed", "-e", "trace=getdents64,openat"))
        with open("/tmp/listed", encoding="ascii") as record:
            calls = list(record)
        lists = [line for line in calls if "getdents64" in line and ", 1024)" not in line]
        if calls and not lists:
            break
    tap.result(calls and not lists, "root lists nobody", lists)


TIOCGPTN, TIOCSPTLCK = 0x80045430, 0x40045431


def take_foreign_terminal():
    """Has a terminal of another devpts, of a number that /dev/pts lacks."""
    own_mounts()
    call("mount", b"devpts", b"/mnt", b"devpts", 0, b"ptmxmode=666,newinstance")
    number = -1
    while number < 0 or os.path.exists(f"/dev/pts/{number}"):
        master = os.open("/mnt/ptmx", os.O_RDWR | os.O_NOCTTY)
        os.set_inheritable(master, True)
        fcntl.ioctl(master, TIOCSPTLCK, struct.pack("i", 0))
        number, = struct.unpack("i", fcntl.ioctl(master, TIOCGPTN, bytes(4)))
    os.setsid()
    fcntl.ioctl(os.open(f"/mnt/{number}", os.O_RDWR), termios.TIOCSCTTY, 0)


# Commands, and in which column they show the pid
SHOW_LOCKED = {"ps aux": 1, "ps auxeww": 1, "ps -eLf": 1, "ps axo pid,pss,rchars,args": 0,
               "top -b -n1 -c": 0}
SHOW_EXECVE = {"ps aux": 1, "ps -ef": 1, "ps axl": 2, "ps -eLf": 1, "top -b -n1 -c": 0,
               "ps axo pid,vsz,rss,stackp,esp,exe,netns,wchan,ag_id,args": 0}
FIND_NONE = ("pgrep -f zzz", "pgrep -t pts/99", "pidof zzz")


def not_shown(runner, commands, pids):
    """What hangs, or does not show these pids as processes whose arguments are not known."""
    bad = []
    for argv in (*commands, f"ps -fp {pids[-1]},2", *FIND_NONE):
        try:
            result = runner.run(argv.split(), timeout=30)
        except subprocess.TimeoutExpired:
            bad.append(f"{argv} hangs")
            continue
        if argv in FIND_NONE:
            if (result.status, result.out) != (1, b""):
                bad.append(f"{argv}: status {result.status}")
            continue
        column = commands.get(argv, 1)
        names = {int(row[column]): row[column + 1:] for row in map(bytes.split, result.lines)
                 if len(row) > column and row[column].isdigit()}
        wanted = {pid: b"[python3]" for pid in (pids if argv in commands else pids[-1:])}
        wanted[2] = b"[kthreadd]"
        bad += [f"{argv}: status {result.status}, {pid}: {names.get(pid)}"
                for pid, name in wanted.items()
                if result.status or name not in names.get(pid, ())]
    return bad


def check_locked_memory(patched):
    set_sysctl("hung_task_timeout_secs", 0)     # do not report tasks that hang on purpose
    server = start_fuse()
    pids = [start_holder(how) for how in ("read", "write")]
    callers = {"root": None, "its user": as_user, "root without CAP_SYS_PTRACE": without_ptrace,
               "another user": lambda: os.setresuid(1, 1, 1)}
    bad = [f"{who}: {what}" for who, before in callers.items()
           for what in not_shown(Runner(patched.root, before), SHOW_LOCKED, pids)]
    tap.result(not bad, "processes whose memory is locked for ever stop nobody", bad)

    # Only the links in fd could tell the name of its terminal.
    holder, stuck = start_before_execve(lambda: (take_foreign_terminal(), become(USER, USER)))
    let_execve(stuck)
    bad = [f"{who}: {what}" for who in ("root", "its user")
           for what in not_shown(Runner(patched.root, callers[who]), SHOW_EXECVE, [stuck])]
    tap.result(not bad, "a process that is stuck in execve() stops nobody who may trace it", bad)
    for pid in (server, holder, *pids):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


# --- long arguments, births, and programs that use the library -----------------------

def start_family(length, count):
    """Processes that share long arguments; the first leads a group of processes."""
    def have_children():
        os.setpgid(0, 0)
        set_arguments(b"long\0arguments ".ljust(length - 1, b"x"), length)
        for _ in range(count - 1):
            child()
    return child(have_children)


def memory(runner, argv):
    """The most memory that a program takes, in MiB"""
    pid = os.fork()
    if pid == 0:
        runner.run(argv)
        os._exit(0)
    return os.wait4(pid, 0)[2].ru_maxrss >> 10


def check_long_arguments(stock, patched):
    """Arguments that take more memory than task_diag's answer may, all or each."""
    for length, count, slack, commands in (
            (5 << 20, 150, 144, ("pgrep -wf long.arg", "ps axo pid,args --cols 100",
                                "ps -p {} -o pid,args --cols 100", "ps -Lp {} -o lwp,args --cols 100")),
            (400 << 10, 200, 80, ("pgrep -f long.arg",))):
        what = f"{count} processes with {length >> 10} KiB of arguments"
        pid = start_family(length, count)
        check_same(what, [argv.format(pid).split() for argv in commands], stock, patched)
        argv = ["pgrep", "-f", "long.arg"]
        before, now = memory(stock, argv), memory(patched, argv)
        tap.result(now <= before + slack, f"{what}: {now} MiB of memory, stock {before} MiB")
        os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def check_births(patched):
    """A process that is born after the library has read the time is no second old."""
    record = "/tmp/births"
    delay = ("strace", "-f", "-o", record, "-e", "trace=openat,getdents64",
             "-e", "inject=getdents64:delay_enter=2000000:when=1")
    for argv in (["ps", "-eo", "etimes,comm"], ["pgrep", "-l", "-O", "1000000", "."]):
        born = []

        def bear(born=born, record=record):
            wait_until(lambda: os.path.exists(record) and "/proc/uptime" in read(record),
                       "nobody reads the time")
            born.append(child(lambda: call("prctl", PR_SET_NAME, b"newborn", 0, 0, 0)))
        if os.path.exists(record):
            os.unlink(record)
        mother = threading.Thread(target=bear)
        mother.start()
        result = patched.run(argv, delay)
        mother.join()
        calls = read(record)
        rows = [b" ".join(line.split()) for line in result.lines if b"newborn" in line]
        wanted = [b"0 newborn"] if argv[0] == "ps" else []
        good = rows == wanted and -1 < calls.find("/proc/uptime") < calls.find("(DELAYED)")
        tap.result(good, f"{argv[0]}: a process that is born during the scan is not old", rows)
        os.kill(born[0], signal.SIGKILL)
        os.waitpid(born[0], 0)


class Item(ctypes.Structure):
    """struct pids_result"""
    _fields_ = [("item", ctypes.c_int), ("str", ctypes.c_char_p)]


class Scan:
    """A program that uses libproc2 to get one text of each process"""

    def __init__(self, root, item):
        items = re.findall(r"^    (PIDS_\w+),", read(f"{root}/include/libproc2/pids.h"), re.M)
        self.library = ctypes.CDLL(f"{root}/lib/libproc2.so.0")
        self.library.procps_pids_get.restype = ctypes.POINTER(ctypes.POINTER(Item))
        self.info = ctypes.c_void_p()
        if self.library.procps_pids_new(ctypes.byref(self.info),
                                        (ctypes.c_int * 1)(items.index("PIDS_" + item)), 1):
            raise OSError("procps_pids_new")

    def next(self):
        stack = self.library.procps_pids_get(self.info, 0)
        return stack[0][0].str if stack else None

    def rest(self):
        return list(iter(self.next, None))

    def end(self):
        self.library.procps_pids_unref(ctypes.byref(self.info))


def in_child(function, *args):
    """What function returns in a child process, as a text"""
    ready, done = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(done, str(function(*args)).encode())
            os._exit(0)
        finally:
            os._exit(1)
    os.close(done)
    with open(ready, encoding="utf-8") as file:
        text = file.read()
    status = os.waitpid(pid, 0)[1]
    return f"status {status}" if status else text


def use_helper(root):
    """The names of the helper in the middle of a list, and at its end; who holds the pipe then"""
    os.environ["LIBPROC_TASKDIAG"] = "0"
    ready, done = os.pipe()
    scan = Scan(root, "CMDLINE")
    scan.next()
    amid = [read(f"/proc/{pid}/comm").strip() for pid in children("self")]
    os.close(done)
    held = not select.select([ready], [], [], 5)[0]
    scan.rest()
    return amid, held, children("self")


def use_in_namespace(root):
    """Whether a process can be the init of a new pid namespace after a scan"""
    os.environ["LIBPROC_TASKDIAG"] = "0"
    call("unshare", CLONE_NEWPID)
    many = len(Scan(root, "CMDLINE").rest()) > 10
    ready, done = os.pipe()
    if os.fork() == 0:
        os.write(done, b"%d" % os.getpid())
        os._exit(0)
    return many, os.read(ready, 10)


def count_hidden(root):
    hidepid(b"hidepid=1")
    as_user()
    return len(Scan(root, "CMDLINE").rest())


def lose_terminal(root):
    """The names of terminals, and those when /dev/pts is gone"""
    own_mounts()
    names = []
    for _ in range(2):
        scan = Scan(root, "TTY_NAME")
        names.append(sorted(set(scan.rest())))
        scan.end()
        libc.umount2(b"/dev/pts", MNT_DETACH)
    return names


def check_library(stock, patched):
    found = in_child(use_helper, patched.root)
    tap.result(found == str((["procps-helper"], False, [])),
               "the helper has a name, holds no pipe, and ends with the list", [found])
    found = in_child(use_in_namespace, patched.root)
    tap.result(found == str((True, b"1")), "no helper becomes the init of a pid namespace", [found])
    before, found, after = (in_child(count_hidden, runner.root)
                            for runner in (stock, patched, stock))
    tap.result(between(before.encode(), found.encode(), after.encode(), 0),
               "a client that wants the arguments alone gets all processes with hidepid=1",
               [f"{found}, with stock {before} and {after}"])
    before, found = (in_child(lose_terminal, runner.root) for runner in (stock, patched))
    tap.result(found == before and "pts" in found, "a terminal that has gone has no name",
               [before, found])


def main():
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    if not os.path.exists(sys.argv[3]):
        sys.exit(f"there is no {sys.argv[3]}")
    stock_root, patched_root = bind(sys.argv[1], "/run/stock"), bind(sys.argv[2], "/run/patched")
    stock, patched = Runner(stock_root), Runner(patched_root)
    user_stock, user = Runner(stock_root, as_user), Runner(patched_root, as_user)

    pids = populate()
    busy = [pids["busy"], pids["user_busy"]]

    check_same("root, ps", commands_of_ps(pids), stock, patched)
    check_same("root, top, pgrep and the like", commands_of_others(pids), stock, patched)
    check_columns("root", stock, patched)
    check_sort(pids, stock, patched)
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
    check_long_arguments(stock, patched)
    check_births(patched)
    check_library(stock, patched)
    check_locked_memory(patched)
    sys.stdout.flush()
    os._exit(1 if tap.failed else 0)


if __name__ == "__main__":
    main()
