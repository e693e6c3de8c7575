#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Compares the screens of a patched and a stock htop with tasks of every kind.

usage: test.py STOCK PATCHED [REGEX]

Both are directories with bin/htop. With REGEX, runs only the checks whose name it
matches. For harness/vm: needs root, tmux and a kernel with task_diag. Prints TAP.
"""
import collections
import contextlib
import ctypes
import mmap
import os
import re
import shutil
import signal
import subprocess
import sys
import time

from runner import Tap, between, explain
from zoo import (PR_SET_MM, PR_SET_MM_ARG_END, PR_SET_MM_ARG_START, PR_SET_NAME, SYS_SETRESUID,
                 USER, become, bind, call, child, hold_lock, libc, long_arguments,
                 own_user_namespace, populate, populate_more, program, set_sysctl, start_container,
                 start_fuse, start_holder, start_holding, start_threads, start_user_namespace,
                 zombie)


SIZE = 240, 600                         # every task has its line
SOCKET = "/run/htop.tmux"
TRIES = 4                               # tasks start, end and work
PR_SET_PDEATHSIG = 1
SLOW = "100"                            # between refreshes, in tenths of a second


def without_arguments():
    """Has no arguments, so that its name is shown, as that of its child, a zombie."""
    start = ctypes.c_ulong(4096)
    for limit in (PR_SET_MM_ARG_START, PR_SET_MM_ARG_END):
        call("prctl", PR_SET_MM, limit, start, 0, 0)
    zombie()


def populate_names():
    """Names that /proc/PID/status escapes, and stat does not."""
    for name in (b"back\\slash", b"\\n", b"two\nlines", b"\xc3\xa9\xff", b"a) (b", b""):
        child(lambda name=name: (call("prctl", PR_SET_NAME, name, 0, 0, 0), without_arguments()))


def change_credentials():
    """
    Makes new credentials all the time, which are the same. With threads it takes longer to
    read the process, so that it is likely to do so meanwhile.
    """
    start_threads(100)
    while True:
        libc.syscall(SYS_SETRESUID, USER, USER, USER)


def come_and_go(function):
    """A user's process whose children call the function until they are killed."""
    become(USER, USER)
    while True:
        pid = os.fork()
        if pid == 0:
            call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            function()
        time.sleep(1)
        kill_child(pid)


def start(function, *arguments):
    """Starts a process that does not return from the function."""
    pid = os.fork()
    if pid == 0:
        function(*arguments)
    return pid


def kill_child(pid):
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def many_mappings():
    """Has names of mappings longer than task_diag reports: E2BIG."""
    path = "/tmp/" + "/".join(letter * 220 for letter in "long")
    os.makedirs(path, exist_ok=True)
    names = [shutil.copy("/bin/cat", f"{path}/{name}") for name in "ab"]
    files = [os.open(name, os.O_RDONLY) for name in names]
    for count in range(20000):
        libc.mmap(None, 4096, mmap.PROT_READ | mmap.PROT_EXEC, mmap.MAP_PRIVATE,
                  files[count % 2], 0)


# --- running htop --------------------------------------------------------

class Terminal:
    """
    A terminal of tmux with the program argv. One client lives as long as it does: a client for
    each command would come and go in what the program shows.
    """

    started = 0

    def __init__(self, argv):
        # With a socket of its own it cannot meet a server that is ending.
        Terminal.started += 1
        line = " ".join("'" + word.replace("'", "'\\''") + "'" for word in argv)
        self.client = subprocess.Popen(
            ["tmux", "-u", "-S", f"{SOCKET}.{Terminal.started}", "-f", "/dev/null", "-C",
             "new-session", "-x", str(SIZE[0]), "-y", str(SIZE[1]), "exec " + line],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.reply()
        self.command("refresh-client -f no-output")
        self.server = int(self.command("display-message -p '#{pid}'"))

    def command(self, line):
        """The output of a command of tmux."""
        self.client.stdin.write(line.encode() + b"\n")
        self.client.stdin.flush()
        return self.reply()

    def reply(self):
        output, guard = [], None
        for line in self.client.stdout:
            words = line.split()
            if guard is None:
                guard = words[1:] if words[:1] == [b"%begin"] else None
            elif words[1:] == guard and words[0] == b"%end":
                return b"".join(output).decode(errors="replace")
            elif words[1:] == guard and words[0] == b"%error":
                break
            else:
                output.append(line)
        raise RuntimeError(f"tmux: {b''.join(output).decode(errors='replace')}")

    def own(self):
        """The processes of the terminal."""
        return {self.client.pid} | descendants(self.server)

    def rows(self):
        """The lines of processes by pid, as they are at the moment."""
        return {int(line.split()[0]): line.rstrip()
                for line in self.command("capture-pane -p").splitlines()
                if re.match(r" *\d+ ", line)}

    def quits(self, deadline=20):
        """Whether the program ends when it is told to."""
        self.client.stdin.write(b"send-keys q\n")
        self.client.stdin.flush()
        try:
            self.client.communicate(timeout=deadline)
        except subprocess.TimeoutExpired:
            return False
        return True

    def end(self):
        """Ends the program and the terminal."""
        of_it = self.own()
        for pid in of_it:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.client.communicate()
        while any(os.path.exists(f"/proc/{pid}") for pid in of_it):
            time.sleep(.05)


def parents():
    """The parent of each process."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="latin-1") as stat:
                    found[int(name)] = int(stat.read().rpartition(")")[2].split()[1])
            except OSError:
                pass
    return found


def descendants(pid):
    of = parents()
    found = {pid}
    while more := {kid for kid, parent in of.items() if parent in found} - found:
        found |= more
    return found


def settings(columns, *lines, tree=False):
    """An htoprc with one screen, sorted by pid."""
    text = ["config_reader_min_version=3", "header_layout=one_100", "column_meters_0=Tasks",
            "column_meter_modes_0=2", "hide_kernel_threads=0", "hide_userland_threads=0",
            "hide_function_bar=2", *lines,
            f"screen:Main=PID {columns} Command", ".sort_key=PID", ".sort_direction=1",
            ".tree_sort_key=PID", ".tree_sort_direction=1", f".tree_view={int(tree)}"]
    return "\n".join(text) + "\n"


class Htop:
    """One build, run by a prefix of words. Its processes are those of the mount of proc."""

    def __init__(self, root, *prefix, proc="/proc", delay="5"):
        self.argv = [*prefix, f"{root}/bin/htop", "-d", delay]
        self.root, self.proc = root, proc

    def start(self, rc, arguments=()):
        with open("/tmp/htoprc", "w", encoding="ascii") as file:
            file.write(rc)
        return Terminal(["env", "HTOPRC=/tmp/htoprc", *self.argv, *arguments])

    def screen(self, rc, arguments=(), keys=(), meanwhile=None):
        """The screen once it no longer changes."""
        terminal = self.start(rc, arguments)
        self.settle(terminal)
        for key in keys:
            terminal.command(f"send-keys {key}")
        born = meanwhile() if meanwhile else None
        text = self.settle(terminal)
        screen = Screen(text, terminal.own() | {os.getpid()}, born, self.proc)
        terminal.end()
        if born:
            kill_child(born)
        return screen

    @staticmethod
    def settle(terminal, deadline=90):
        before, end = 0, time.monotonic() + deadline
        while True:
            time.sleep(.6)
            text = terminal.command("capture-pane -p -e")
            rows = len(re.findall(r"^(?:\x1b\S*?m)* *(?:\x1b\S*?m)*\d+ ", text, re.M))
            if rows and rows == before or time.monotonic() > end:
                return text
            before = rows


COLOUR = re.compile(r"\x1b\[[0-9;]*m|\x0f")
# These work all the time, so only their presence is compared.
BUSY = re.compile(r" (kworker/|rcu_|ksoftirqd/|migration/|kcompactd|khugepaged|ksmd)")


class Screen:
    """The lines by pid, with and without colours, except those of the test's own processes."""

    def __init__(self, text, own, born=None, proc="/proc"):
        self.raw, self.lines = {}, {}
        for raw in text.splitlines():
            line = COLOUR.sub("", raw).rstrip()
            pid = re.match(r" *(\d+) ", line)
            if pid:
                key = int(pid.group(1))
                if key in own or not os.path.exists(f"{proc}/{key}"):
                    continue
                if BUSY.search(line):
                    raw = line = "busy"
            else:
                key = line.split(":")[0]
                raw = line = re.sub(r"; \d+ running.*", "", line)
            if key == born:             # its pid differs each time
                key = "born"
                raw, line = (re.sub(r"\b%d\b" % born, "pid", text) for text in (raw, line))
            self.raw[key] = raw.rstrip()
            self.lines[key] = line


def same(before, screen, after, key, slack):
    """Equal with colours, or without them and with numbers between those of stock."""
    if screen.raw[key] in (before.raw[key], after.raw[key]):
        return True
    words = [text.lines[key].encode().split() for text in (before, screen, after)]
    if [len(some) for some in words] != [len(words[1])] * 3:
        return False
    if words[0] == words[1] == words[2]:
        return False                    # the colours differ
    return all(between(*tokens, slack) for tokens in zip(*words))


def differences(before, screen, after, slack):
    """The lines that differ from both of stock's."""
    bad = {}
    for key in screen.lines.keys() | (before.lines.keys() & after.lines.keys()):
        old, new = before.raw.get(key), screen.raw.get(key)
        if old is None and key in after.raw:
            continue                    # it appeared in the meantime
        if old is None or new is None or key not in after.raw or \
           not same(before, screen, after, key, slack):
            bad[key] = ["- " + repr(old), "+ " + repr(new)]
    common = [[key for key in text.lines if key in before.lines and key in screen.lines]
              for text in (before, screen)]
    if common[0] != common[1]:
        bad["order"] = [str(some) for some in common]
    return bad


tap = Tap("htop")


def result(ok, what, why=()):
    tap.result(ok, what, [line[:400] for line in list(why)[:12]])


def wanted(what):
    return len(sys.argv) < 4 or re.search(sys.argv[3], what)


def stands_still(before, after, key):
    """Whether both screens of stock have the same there."""
    if key == "order":
        common = [[key for key in text.lines if key in before.lines and key in after.lines]
                  for text in (before, after)]
        return common[0] == common[1]
    return before.raw.get(key) == after.raw.get(key)


def check_same(what, stock, patched, rc, slack=.1, **how):
    """
    Reports what differs in each of several tries, or in two of them while stock stands still.
    """
    if not wanted(what):
        return
    before = stock.screen(rc, **how)
    bad, seen, still = {}, {}, collections.Counter()
    for count in range(TRIES):
        screen = patched.screen(rc, **how)
        found = differences(before, screen, before, slack)
        if found:
            after = stock.screen(rc, **how)
            found = differences(before, screen, after, slack)
            still.update(key for key in found if stands_still(before, after, key))
            before = after
        seen.update(found)
        bad = {key: why for key, why in found.items() if not count or key in bad}
        if not bad and not still:
            break
    bad.update({key: seen[key] for key, times in still.items() if times > 1})
    why = [line for lines in bad.values() for line in lines]
    if len(screen.lines) < 8:
        why = ["there is little on the screen:", *screen.lines.values()]
    result(not why, f"{what}: same screen, {len(screen.lines)} lines", why)
    explain([f"in one try {line}" for key in seen.keys() - bad.keys() for line in seen[key]])


MAIN = "USER PRIORITY NICE M_VIRT M_RESIDENT M_SHARE STATE PERCENT_CPU PERCENT_MEM TIME"
IDS = "PPID PGRP SESSION TGID ST_UID USER TTY TPGID STATE PRIORITY NICE NLWP PROCESSOR STARTTIME"
MEMORY = "M_VIRT M_RESIDENT M_SHARE M_TRS M_DRS M_LRS PERCENT_MEM OOM"
TIMES = ("MINFLT CMINFLT MAJFLT CMAJFLT UTIME STIME CUTIME CSTIME TIME PERCENT_CPU "
         "PERCENT_NORM_CPU CTXT ELAPSED")
IO = "RCHAR WCHAR SYSCR SYSCW RBYTES WBYTES CNCLWB IO_READ_RATE IO_WRITE_RATE IO_RATE IO_PRIORITY"
TEXTS = "CGROUP CCGROUP SECATTR CWD EXE COMM AUTOGROUP_ID AUTOGROUP_NICE"
DELAYS = "PERCENT_CPU_DELAY PERCENT_IO_DELAY PERCENT_SWAP_DELAY"


def set_ups():
    """The arguments of Htop.screen(), by name."""
    born = lambda: program([b"cat", b"-", b"new"])
    return {
        "columns as installed": {"rc": settings(MAIN)},
        "tree": {"rc": settings(MAIN, "show_program_path=1", tree=True)},
        "threads and kernel threads hidden": {
            "rc": settings(MAIN, "hide_kernel_threads=1", "hide_userland_threads=1")},
        "names of threads, merged command": {
            "rc": settings("TGID", "show_thread_names=1", "show_merged_command=1",
                           "find_comm_in_cmdline=1", "strip_exe_from_cmdline=1")},
        "names read at each refresh": {"rc": settings("COMM EXE", "update_process_names=1")},
        "ids": {"rc": settings(IDS)},
        "memory": {"rc": settings(MEMORY)},
        # A share in pages depends on what else runs at the moment.
        "pages": {"rc": settings("M_PSS M_SWAP M_PSSWP"), "slack": 64},
        "times": {"rc": settings(TIMES)},
        "I/O": {"rc": settings(IO)},
        "control groups, labels and directories": {"rc": settings(TEXTS)},
        "containers hidden": {"rc": settings("CGROUP", "hide_running_in_container=1")},
        "filter": {"rc": settings(MAIN), "arguments": ("-F", "cat")},
        "one user": {"rc": settings(MAIN), "arguments": ("-u", str(USER))},
        "threads hidden by a key": {"rc": settings(MAIN), "keys": ("H",)},
        "sorted by a column that is not shown": {
            "rc": settings("STATE").replace(".sort_key=PID", ".sort_key=M_RESIDENT")},
        # The process is a new one each time, so its memory may differ, too.
        "a process that is born": {
            "rc": settings("USER PRIORITY NICE STATE NLWP"), "meanwhile": born},
    }


# --- what it costs -------------------------------------------------------

def files_opened(htop, rc):
    """
    The number of refreshes, how often they listed /proc, and whose files they opened.
    Processes that start during this are left out.
    """
    record = "/tmp/strace"
    lasting = {int(entry) for entry in os.listdir("/proc") if entry.isdigit()}
    traced = Htop("", "strace", "-f", "--seccomp-bpf", "-o", record,
                  "-e", "trace=openat,readlink,readlinkat")
    traced.argv[-3:] = htop.argv
    terminal = traced.start(rc)
    traced.settle(terminal)
    deadline = time.monotonic() + 180
    while True:
        time.sleep(1)
        with open(record, encoding="latin-1") as calls:
            if calls.read().count('"/proc/meminfo"') > 8 or time.monotonic() > deadline:
                break
    terminal.command("send-keys q")
    time.sleep(2)                       # strace writes the rest of its output
    terminal.end()
    with open(record, encoding="latin-1") as calls:
        refreshes = calls.read().split('"/proc/meminfo"')[3:]
    text = "".join(refreshes)
    return (len(refreshes), text.count('"/proc", O_'),
            {int(pid) for pid in re.findall(r'"(?:/proc/)?(\d+)["/]', text)} & lasting)


RECORD = "/tmp/injected"


def injecting(name, rule=None, record=RECORD):
    """The words that run a program with its calls recorded, and perhaps with errors in them."""
    return ("strace", "-f", "--seccomp-bpf", "-o", record, "-e", f"trace={name}",
            *(("-e", f"inject={name}:{rule}") if rule else ()))


def recorded():
    with open(RECORD, encoding="latin-1") as calls:
        return calls.read()


def check_answers(stock_root, patched_root):
    """The requests for mappings and pages fail, or all do from one on, in the first refresh."""
    what, rc = "no answer from some call on", settings("M_LRS M_PSS")
    if not wanted(what):
        return
    Htop(patched_root, *injecting("recvfrom"), delay=SLOW).screen(rc)
    calls = recorded().count("recvfrom(")
    stock = Htop(stock_root, *injecting("recvfrom", record="/dev/null"), delay=SLOW)
    for part in (1, 2, 3):
        broken = injecting("recvfrom", f"error=ENOBUFS:when={calls * part // 4}+")
        check_same(f"{what}, {part}/4", stock, Htop(patched_root, *broken, delay=SLOW), rc,
                   slack=64)
        result(calls > 8 and "(INJECTED)" in recorded(), f"{what}, {part}/4: the error occurs")


def check_fallbacks(stock_root, patched_root, drop):
    rc = settings(MAIN, "show_thread_names=1")
    hidepid = [("unshare", "--mount", "sh", "-c",
                f'mount -t proc -o hidepid={how} proc /proc; exec "$@"', "sh", *drop)
               for how in (1, 2)]
    groups = ",".join(str((1 << 30) + count) for count in range(600))
    tracer = (*drop, "--inh-caps=+sys_ptrace", "--ambient-caps=+sys_ptrace")
    for what, prefix, columns in (
            ("root without CAP_SYS_PTRACE", ("setpriv", "--bounding-set=-sys_ptrace"), MAIN),
            ("root without CAP_SYS_PTRACE, I/O", ("setpriv", "--bounding-set=-sys_ptrace"), IO),
            ("user with CAP_SYS_PTRACE alone", tracer, MAIN),
            ("user with CAP_SYS_PTRACE alone, I/O", tracer, IO),
            ("user on hidepid=1", hidepid[0], MAIN),
            ("user on hidepid=2", hidepid[1], MAIN),
            ("/proc of another pid namespace", ("unshare", "--pid", "--fork"), MAIN),
            ("/proc of another pid namespace, many groups",
             ("setpriv", "--regid=0", f"--groups={groups}", "unshare", "--pid", "--fork"), MAIN),
            ("root of a user namespace, I/O",
             ("nsenter", f"--target={start_user_namespace()}", "--user"), IO)):
        check_same(what, Htop(stock_root, *prefix), Htop(patched_root, *prefix),
                   settings(columns, "show_thread_names=1"))
    pid, prefix = start_container(8)
    check_same("root of a container", *(Htop(root, *prefix, proc=f"/proc/{pid}/root/proc")
                                        for root in (stock_root, patched_root)), rc)
    for what, name, rule in (
            ("no netlink", "socket", "error=EPROTONOSUPPORT"),
            ("an answer that ends early", "recvfrom", "error=ENOBUFS:when=6+")):
        check_same(what, Htop(stock_root, *injecting(name, rule, "/dev/null")),
                   Htop(patched_root, *injecting(name, rule)), rc)
        if wanted(what):
            result("(INJECTED)" in recorded(), f"{what}: the error occurs")
    set_sysctl("task_diag", 2)
    check_same("denied by the sysctl", Htop(stock_root), Htop(patched_root), rc)
    set_sysctl("task_diag", 0)


def check_files(patched, user, pids):
    refreshes, listed, read = files_opened(patched, settings(MAIN))
    result(refreshes and not read, "root: no file of a process is opened", [str(read)])
    result(2 * listed < refreshes, "root: /proc is not listed", [f"{listed} of {refreshes}"])
    refreshes, listed, read = files_opened(user, settings(MAIN))
    result(refreshes and 1 in read and pids["user"] not in read,
           "user: files are opened of hidden processes alone",
           [f"{refreshes} refreshes", str(read)])


def check_credentials(who, stock, patched):
    """Tasks that change their credentials while they are read, old ones and new ones."""
    columns = settings("USER PRIORITY NICE CGROUP CWD", "hide_userland_threads=1",
                       "update_process_names=1")
    pids = [start(lambda: (become(USER, USER), change_credentials())) for _ in range(2)]
    lines = stock.screen(columns).lines
    expected = {re.sub(r"^ *\d+", "", lines.get(pid, "")) for pid in pids}
    pids.append(start(come_and_go, change_credentials))
    terminal = patched.start(columns)
    patched.settle(terminal)
    bad = [] if len(expected) == 1 else [f"stock: {expected}"]
    for _ in range(40):
        time.sleep(.5)
        rows, young = terminal.rows(), descendants(pids[2])
        bad += [f"{pid}: {rows.get(pid)}" for pid in {*pids[:2], *(young & rows.keys())}
                if re.sub(r"^ *\d+", "", rows.get(pid, "")) not in expected]
    terminal.end()
    for pid in pids:
        kill_child(pid)
    result(not bad, f"{who}: tasks that change their credentials all the time", bad)


def check_vanishing(who, patched):
    """A task that ends is gone at the next refresh."""
    pid = child()
    terminal = patched.start(settings("USER STATE"))
    patched.settle(terminal)
    found = pid in terminal.rows()
    kill_child(pid)
    time.sleep(3)
    rows = terminal.rows()
    terminal.end()
    result(found and rows and pid not in rows, f"{who}: a task that ends vanishes",
           [str(found), *list(rows.values())[:4]])


def spin():
    while True:
        pass


def check_sorting(patched_root):
    """A key that sorts by processor time, of which there is no column."""
    patched = Htop(patched_root, delay=SLOW)
    terminal = patched.start(settings("STATE"))
    patched.settle(terminal)
    pid = start(spin)
    time.sleep(int(SLOW) / 10 + 2)      # it is new to a refresh
    before = list(terminal.rows())
    terminal.command("send-keys P")
    deadline = time.monotonic() + 30
    while list(terminal.rows())[:1] == before[:1] and time.monotonic() < deadline:
        time.sleep(.2)
    rows = terminal.rows()
    terminal.end()
    kill_child(pid)
    result(pid in before and list(rows)[:1] == [pid], "sorting by processor time by a key",
           list(rows.values())[:4])


def check_many_mappings(patched):
    pid = child(many_mappings)
    time.sleep(1)
    line = patched.screen(settings("M_LRS")).lines.get(pid, "")
    kill_child(pid)
    result(re.match(r" *\d+ +[1-9]", line), "more mappings than task_diag reports", [line])


def hold_long_arguments():
    """A user's process with more arguments than task_diag reports, and its mmap lock held."""
    long_arguments()
    become(USER, USER)
    hold_lock("arguments")


def check_stuck(patched, drop):
    """Where stock would wait for ever. Must run last."""
    set_sysctl("hung_task_timeout_secs", 0)     # do not report tasks that hang on purpose
    server = start_fuse()
    long = start_holding(hold_long_arguments)
    holders = {start_holding(lambda: hold_lock("holder")): "root's", long: "long arguments",
               **{start_holder(how): how for how in ("read", "write")}}
    time.sleep(11)                      # htop does not read the mappings of younger processes
    columns, bad = MAIN + " M_LRS M_PSS IO_RATE", []
    for who, prefix in (
            ("root", ()),
            ("root without CAP_SYS_PTRACE", ("setpriv", "--bounding-set=-sys_ptrace")),
            ("their user", drop), ("another user", ("setpriv", "--reuid=1", "--clear-groups"))):
        htop = Htop(patched.root, *prefix)
        terminal = htop.start(settings(columns, "update_process_names=1"))
        htop.settle(terminal)
        rows = terminal.rows()
        bad += [f"{who}: {name}: {rows.get(pid)}" for pid, name in holders.items()
                if "python3" not in rows.get(pid, "")]
        if not any("cat - two words" in line for line in rows.values()):
            bad.append(f"{who}: little is shown: {list(rows.values())[:4]}")
        if not terminal.quits():
            bad.append(f"{who}: it does not quit")
        terminal.end()
    result(not bad, "processes whose memory is locked for ever do not stop it", bad)

    # What they hold is released when the file system ends.
    terminals = [htop.start(settings("STATE")) for htop in (patched, Htop(patched.root, *drop))]
    for terminal in terminals:
        Htop.settle(terminal)
    before = [terminal.rows().get(long, "") for terminal in terminals]
    kill_child(server)
    time.sleep(5)
    after = [terminal.rows().get(long, "") for terminal in terminals]
    for terminal in terminals:
        terminal.end()
    result(all("python3" in line for line in before) and
           all("arguments that are long" in line for line in after),
           "arguments appear once they can be read", [*before, *after])


def main():
    if len(sys.argv) not in (3, 4):
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    set_sysctl("task_delayacct", 1)
    stock_root, patched_root = bind(sys.argv[1], "/run/stock"), bind(sys.argv[2], "/run/patched")
    os.environ.update(LC_ALL="C.UTF-8", TERM="xterm-256color")
    pids = populate()
    populate_more()
    populate_names()
    child(lambda: (become(USER, USER), own_user_namespace()))
    time.sleep(11)                      # htop does not read the mappings of younger processes

    stock, patched = Htop(stock_root), Htop(patched_root)
    for name, how in set_ups().items():
        check_same(f"root, {name}", stock, patched, **how)
    check_same("root, delays", stock, patched, settings(DELAYS))

    drop = ("setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups")
    user_stock, user_patched = Htop(stock_root, *drop), Htop(patched_root, *drop)
    for name, how in set_ups().items():
        check_same(f"user, {name}", user_stock, user_patched, **how)

    check_fallbacks(stock_root, patched_root, drop)
    check_answers(stock_root, patched_root)
    for who, one, other in (("root", stock, patched), ("user", user_stock, user_patched)):
        if wanted("credentials"):
            check_credentials(who, one, other)
        if wanted("vanishing"):
            check_vanishing(who, other)
    if wanted("sorting"):
        check_sorting(patched_root)
    if wanted("mappings"):
        check_many_mappings(patched)
    if wanted("files"):
        check_files(patched, user_patched, pids)
    if wanted("stuck"):
        check_stuck(patched, drop)
    sys.stdout.flush()
    os._exit(1 if tap.failed else 0)


if __name__ == "__main__":
    main()
