#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Compares the events that two perfs synthesize for the same tasks.

usage: events.py STOCK PATCHED LONGER

For harness/vm. Prints TAP. STOCK is a perf that reads /proc, PATCHED one that asks
task_diag, LONGER a library to preload that makes the kernel's structs longer.
"""
import collections
import concurrent.futures
import ctypes
import mmap
import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

from zoo import (PR_SET_DUMPABLE, PR_SET_NAME, SYS_EXIT, children, let_execve, set_sysctl,
                 start_before_execve, start_fuse)

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE = {"mnt": 0x20000, "cgroup": 0x2000000, "uts": 0x4000000, "ipc": 0x8000000,
         "user": 0x10000000, "pid": 0x20000000, "net": 0x40000000}
USER = pwd.getpwnam("nobody").pw_uid
NAMES = [b"plain", b"two words", b"\xff\xfe\x80", "\u00e9t\u00e9".encode(), b"new\nline",
         b"back\\slash", b" blank", b"tab\t", b"(a) b) c", b"123456789012345"]
FILES = [b"plain", b"two words", b"\xff\xfe", "\u00e9t\u00e9".encode(), b"new\nline",
         b"back\\slash", b"gone (deleted)", b"x" * 255]
SYNTHESIZE = ["bench", "internals", "synthesize", "-t", "-M", "1", "-I", "1"]
WORK = b"/dev/shm/perf"
HUGE = b"/dev/shm/huge"
PATH_MAX = 4096
kept = []


def set_name(name):
    LIBC.prctl(PR_SET_NAME, name, 0, 0, 0)


def unshare(*kinds):
    if LIBC.unshare(sum(CLONE[kind] for kind in kinds)):
        raise OSError(ctypes.get_errno(), "unshare")


def sleep():
    while True:
        signal.pause()


def start(setup, *args, then=sleep):
    """Forks a child that calls setup(*args) and then then(); returns its pid."""
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            setup(*args)
            os.write(writer, b"1")
            then()
        finally:
            os._exit(1)
    os.close(writer)
    if not os.read(reader, 1):
        sys.exit(f"{setup.__name__}{args} failed")
    os.close(reader)
    return pid


# --- the tasks -------------------------------------------------------------


def thread(setup, *args):
    """Starts a thread that calls setup(*args) and then sleeps."""
    ready = threading.Event()

    def run():
        setup(*args)
        ready.set()
        time.sleep(1e6)

    threading.Thread(target=run, daemon=True).start()
    ready.wait()


def named_threads():
    for name in NAMES:
        thread(set_name, name)


def foreign_thread():
    """A thread in other namespaces than its process"""
    thread(unshare, "net", "uts")


def end_thread():
    LIBC.syscall(SYS_EXIT, 0)


def parent_of_zombie():
    if not os.fork():
        os._exit(0)


def map_file(fd, prot, size):
    os.ftruncate(fd, size)
    kept.append(mmap.mmap(fd, size, mmap.MAP_SHARED, prot))


def mappings():
    """Mappings of many kinds, and so many that their list comes in parts"""
    read, write, code = mmap.PROT_READ, mmap.PROT_WRITE, mmap.PROT_EXEC
    for share in mmap.MAP_PRIVATE, mmap.MAP_SHARED:
        for prot in 0, read, read | write, read | code, code:
            kept.append(mmap.mmap(-1, 8192, share | mmap.MAP_ANONYMOUS, prot))
    map_file(os.memfd_create("code"), read | code, 4096)

    many = os.open(os.path.join(WORK, b"n" * 200), os.O_CREAT | os.O_RDWR)
    os.ftruncate(many, 8192)
    for i in range(400):
        # Neighbours must differ, or the kernel would merge them.
        kept.append(mmap.mmap(many, 4096, mmap.MAP_PRIVATE, read | (code if i % 2 else 0),
                              offset=4096 * (i % 2)))


def huge_mapping():
    fd = os.open(HUGE + b"/code", os.O_CREAT | os.O_RDWR)
    map_file(fd, mmap.PROT_READ | mmap.PROT_EXEC, 2 << 20)


def in_namespaces(*kinds):
    unshare(*kinds)
    if "pid" in kinds:
        start(set_name, b"init")


def mount_proc():
    subprocess.run(["mount", "-t", "proc", "proc", "/proc"], check=True)


def mount_foreign_proc():
    """A mount namespace with /proc of a pid namespace below"""
    unshare("mnt")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    unshare("pid")
    start(mount_proc)


def become_user():
    os.setgroups([])
    os.setresgid(USER, USER, USER)
    os.setresuid(USER, USER, USER)
    # So that the user may see it
    LIBC.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)


def user_threads():
    become_user()
    named_threads()


def execute(path):
    return os.posix_spawn(path, [b"sleep", b"infinity"], os.environ)


def copy_program(name):
    path = os.path.join(WORK, name)
    shutil.copy(b"/bin/sleep", path)
    return path


def executables():
    """Programs whose files are deleted, or have names of all kinds"""
    pids = {name: execute(copy_program(name)) for name in FILES}
    pids["deleted"] = execute(copy_program(b"deleted"))

    folder = os.path.join(WORK, *[b"d" * 250] * 15)
    os.makedirs(folder)
    pids["long path"] = execute(copy_program(folder + b"/" + b"x" * 255))

    # This path is too long for any event.
    os.chdir(folder)
    for _ in range(3):
        os.mkdir(b"d" * 250)
        os.chdir(b"d" * 250)
    shutil.copy(b"/bin/sleep", b"sleep")
    pids["too long path"] = execute(b"./sleep")
    os.chdir("/")

    fd = os.memfd_create("anonymous", 0)
    with open("/bin/sleep", "rb") as program:
        os.write(fd, program.read())
    pids["anonymous"] = execute(f"/proc/self/fd/{fd}")
    for pid in pids.values():
        while b"/ld-" not in pathlib.Path(f"/proc/{pid}/maps").read_bytes():
            time.sleep(0.05)
    os.unlink(os.path.join(WORK, b"deleted"))
    return pids


def make_world():
    os.mkdir(WORK, 0o755)
    os.mkdir(HUGE)
    pathlib.Path("/proc/sys/vm/nr_hugepages").write_text("4", encoding="ascii")
    subprocess.run(["mount", "-t", "hugetlbfs", "none", HUGE], check=True)

    world = executables()
    for setup in (named_threads, foreign_thread, parent_of_zombie, mappings, huge_mapping,
                  become_user, user_threads):
        world[setup.__name__] = start(setup)
    world["dead leader"] = start(thread, set_name, b"alive", then=end_thread)
    for name in NAMES:
        world[b"named " + name] = start(set_name, name)
    for kind in CLONE:
        world[kind] = start(in_namespaces, kind)
    world["namespaces"] = start(in_namespaces, *CLONE)
    time.sleep(1)
    return world


# --- what perf reports --------------------------------------------------------


def state(pid):
    """What must not change in a process that is compared"""
    result = [pathlib.Path(f"/proc/{pid}/maps").read_bytes()]
    for tid in sorted(os.listdir(f"/proc/{pid}/task")):
        status = pathlib.Path(f"/proc/{pid}/task/{tid}/status").read_bytes()
        result += [line for line in status.splitlines()
                   if line.startswith((b"Tgid:", b"PPid:"))]
    return result


def snapshot():
    states = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            states[int(pid)] = state(pid)
        except OSError:
            pass
    return states


EVENT = re.compile(rb"PERF_RECORD_(?:COMM.*:(\d+)/(\d+)$|FORK\((\d+):(\d+)\)|MMAP2? (\d+)/(\d+):"
                   rb"|NAMESPACES (\d+)/(\d+)|CGROUP)", re.DOTALL)
MMAP = re.compile(rb"PERF_RECORD_MMAP2? (\d+)/\d+: \[0x([0-9a-f]+)\(.*?\]: \S+ (.*)", re.DOTALL)
# Without build ids, for which perf opens files of each process
NO_BUILD_IDS = ["-B", "-N"]


def run_record(perf, data, options, prefix):
    # Do not cut a list of mappings, however slow the guest is.
    return subprocess.run([*prefix, perf, "record", "-q", "-e", "dummy:u", "-o", data,
                           "--proc-map-timeout", "600000", *options, "--", "true"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)


def record(perf, options, prefix=()):
    """Records, and returns what events() does, or the reason why there is none."""
    data = f"/dev/shm/{threading.get_ident()}.data"
    done = run_record(perf, data, [*NO_BUILD_IDS, *options], prefix)
    if done.returncode or not os.path.exists(data):
        pathlib.Path(data).unlink(missing_ok=True)
        return done.stdout.decode(errors="replace").strip() or f"exit status {done.returncode}"
    return events(perf, data)


def events(perf, data):
    """Removes a recording, and returns its events as ((pid, tid), text)."""
    shown = subprocess.run([perf, "script", "-f", "-i", data, "--show-task-events",
                            "--show-mmap-events", "--show-namespace-events",
                            "--show-cgroup-events"],
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True).stdout
    os.unlink(data)

    found = []
    # A name may have a line feed.
    for text in re.split(rb"\n(?=[^\n]*PERF_RECORD_)", shown):
        match = EVENT.search(text.rstrip(b"\n"))
        if match:
            task = [int(group) for group in match.groups() if group]
            found.append((tuple(task) or (-1, -1), match.string[match.start():]))
    return found


def odd_mappings(states):
    """
    The mappings with names that stock cannot read from maps, or reads escaped: by pid and
    address the names that the kernel's own events have.
    """
    odd = {}
    for pid, (maps, *_) in states.items():
        for line in maps.splitlines():
            at, name = re.match(rb"([0-9a-f]+)-(?:\S+ +){5}(.*)", line + b" ").groups()
            name = name.strip(b" ")
            if len(name) >= PATH_MAX:
                odd[pid, at] = b"//toolong"
            elif b"\\012" in name or any(byte > 127 for byte in name):
                odd[pid, at] = name.replace(b"\\012", b"\n")
    return odd


def mapping(text):
    """The pid, address and name of a mapping's event"""
    match = MMAP.match(text)
    return (int(match[1]), match[2]), match[3]


def at_rest(found, frozen, odd):
    """
    The events of the tasks that do not change: task by task, those of each in their order;
    without the mappings in odd
    """
    kept = []
    for task, text in found:
        if task[0] not in frozen and task[0] >= 0:
            continue
        if MMAP.match(text) and mapping(text)[0] in odd:
            continue
        # The suffix of a kernel worker's name, which says what it serves, changes.
        text = re.sub(rb"(: kworker/[^-+]*)[-+].*(:\d+/)", rb"\1\2", text)
        kept.append((task, b"" if task[0] >= 0 else text, text))
    return [text for _, _, text in sorted(kept, key=lambda event: event[:2])]


def show_difference(theirs, ours):
    before, now = collections.Counter(theirs), collections.Counter(ours)
    for text in sorted((before - now).elements())[:20]:
        print(f"# lacks {text}")
    for text in sorted((now - before).elements())[:20]:
        print(f"# has besides {text}")
    if before == now and theirs != ours:
        first, stock = next((new, old) for new, old in zip(ours, theirs) if new != old)
        print(f"# in another order: {first}, with stock {stock}")
    print(f"# {len(theirs)} events and {len(ours)}")


def compare(what, world, stock, patched, may_fail=False):
    """Prints a TAP line: do two calls of record() give the same? May both fail?"""
    what = f"perf: {what}: same events"
    before = snapshot()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        theirs, ours = pool.map(lambda run: run(), (stock, patched))
    after = snapshot()
    frozen = {pid for pid in before if before[pid] == after.get(pid)} - {os.getpid()}
    restless = [name for name, pid in world.items() if pid not in frozen]
    odd = odd_mappings(before)
    if restless:
        print(f"# not at rest: {restless}\nnot ok - {what}", flush=True)
        return
    # perf of 7.3 filters users by BPF, for which it may be built or not.
    if isinstance(theirs, str) and theirs == ours and (may_fail or "BPF filtering" in theirs):
        print(f"ok - {what} # SKIP {theirs.splitlines()[-1]}", flush=True)
        return
    if isinstance(theirs, str) or isinstance(ours, str):
        print(f"# stock: {str(theirs)[:500]}\n# patched: {str(ours)[:500]}\nnot ok - {what}",
              flush=True)
        return

    theirs, ours = at_rest(theirs, frozen, odd), at_rest(ours, frozen, odd)
    show_difference(theirs, ours)
    print(f"{'ok' if theirs and theirs == ours else 'not ok'} - {what}", flush=True)


def check_names(patched):
    """Where perf cannot read a name from maps, or reads it escaped"""
    what = "perf: mappings with odd names have the names that the kernel's own events have"
    before = snapshot()
    found = record(patched, ["-a", "-d"])
    after = snapshot()
    odd = odd_mappings({pid: maps for pid, maps in before.items() if after.get(pid) == maps})
    names = dict(mapping(text) for _, text in found if MMAP.match(text))
    wrong = [(key, name, names.get(key)) for key, name in odd.items() if names.get(key) != name]
    for key, name, ours in wrong[:10]:
        print(f"# {key}: {ours}, not {name}")
    kinds = {b"\n" in name for name in odd.values()} | {name[:9] for name in odd.values()}
    complete = {True, b"//toolong", WORK[:9]} <= kinds
    print(f"# {len(odd)} odd names, {len(wrong)} wrong")
    print(f"{'ok' if complete and not wrong else 'not ok'} - {what}", flush=True)


def modes(world):
    """What to compare: titles, and options of perf record"""
    threads = world["named_threads"]
    tids = sorted(map(int, os.listdir(f"/proc/{threads}/task")))
    some = ",".join(str(world[name]) for name in
                    ("mappings", "named_threads", "foreign_thread", "dead leader"))
    return [
        ("-a", ["-a"]),
        ("-a -d", ["-a", "-d"]),
        ("-a --namespaces", ["-a", "--namespaces"]),
        ("-a -d --namespaces, 4 threads", ["-a", "-d", "--namespaces",
                                           "--num-thread-synthesize", "4"]),
        ("-a --all-cgroups", ["-a", "--all-cgroups"]),
        ("-p", ["-p", str(threads)]),
        ("-p of several, -d --namespaces", ["-p", some, "-d", "--namespaces"]),
        ("-t of a leader", ["-t", str(threads)]),
        ("-t of others, -d --namespaces", ["-t", f"{tids[2]},{tids[1]}", "-d", "--namespaces"]),
        ("-u", ["-u", str(USER)]),
        ("-u -d --namespaces", ["-u", str(USER), "-d", "--namespaces"]),
    ]


AS_USER = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
AS_OTHER = ["setpriv", f"--reuid={USER - 1}", f"--regid={USER - 1}", "--clear-groups"]
# A user may not record namespaces.
WITHOUT_PTRACE = ["setpriv", "--bounding-set=-sys_ptrace"]


def refusals(world):
    """Where task_diag shows only some tasks, or nothing: titles, options, a command prefix"""
    own = str(world["user_threads"])
    hidepid = ["unshare", "--mount", "sh", "-c",
               "mount -t proc -o hidepid=2 proc /proc && exec \"$@\"", "sh", *AS_USER]
    return [
        *((f"a user who may not see all, {' '.join(options)}", options, AS_USER) for options in (
            ["-a"], ["-a", "-d"], ["-a", "--num-thread-synthesize", "4"], ["-p", own, "-d"])),
        ("root who may not see all", ["-a"],
         ["setpriv", "--bounding-set=-sys_ptrace,-perfmon,-sys_admin"]),
        *((f"root with CAP_PERFMON who may not see all, {' '.join(options)}", options,
           WITHOUT_PTRACE) for options in (["-a"], ["-a", "-d", "--num-thread-synthesize", "4"])),
        ("a user with hidepid=2", ["-a", "-d"], hidepid),
        ("refused in a foreign network namespace", ["-a"],
         ["nsenter", f"--net=/proc/{world['namespaces']}/ns/net"]),
    ]


# Of the family; of the first request; in the middle of its answer; of the second one
FAILURES = 1, 3, 5, 6, 7, 8


def record_failing(perf, number):
    """Records while answers fail from that number on; there must be so many."""
    trace = pathlib.Path("/dev/shm/failing")
    found = record(perf, ["-a"], ["strace", "-f", "--seccomp-bpf", "-o", str(trace),
                                  "-e", "trace=recvfrom",
                                  "-e", f"inject=recvfrom:error=ENOBUFS:when={number}+"])
    return found if "(INJECTED)" in trace.read_text(encoding="latin-1") else "no answer failed"


# --- tasks that begin between the requests ---------------------------------


def bear_tasks():
    """Starts tasks for ever; each is named after its start time, in milliseconds."""
    while True:
        thread(set_name, b"%d" % (time.time() * 1000))
        start(set_name, b"%d" % (time.time() * 1000))
        time.sleep(0.05)


def check_births(patched):
    """Delays the request for threads by two seconds."""
    pid = start(set_name, b"parent", then=bear_tasks)
    trace = pathlib.Path("/dev/shm/trace")
    found = record(patched, ["-a"], ["strace", "-f", "--seccomp-bpf", "-ttt", "-o", str(trace),
                                     "-e", "trace=sendmsg",
                                     "-e", "inject=sendmsg:delay_enter=2000000:when=4"])
    os.kill(pid, signal.SIGSTOP)
    sent = re.search(r"^\d+ +([\d.]+) .*\(DELAYED\)$", trace.read_text(encoding="ascii"),
                     re.MULTILINE)
    processes = children(pid)
    texts = {}
    for task, text in found if isinstance(found, list) else ():
        texts.setdefault(task, []).append(text)
    for what, tasks in (("thread", [(pid, int(tid)) for tid in os.listdir(f"/proc/{pid}/task")]),
                        ("process", [(child, child) for child in processes])):
        born, lacking = [], []
        for task in tasks:
            name = pathlib.Path(f"/proc/{task[0]}/task/{task[1]}/comm").read_bytes().strip()
            if not (sent and name.isdigit() and 0.1 < int(name) / 1000 - float(sent[1]) < 1.9):
                continue
            born.append(name)
            # The kernel records the start, too, but no mappings.
            has = [sum(kind in text for text in texts.get(task, ()))
                   for kind in (b"_COMM: " + name, b"_FORK(", b"_MMAP")]
            if has[0] < 2 or has[1] < 2 or (what == "process" and not has[2]):
                lacking.append(name)
        print(f"# {len(born)} were born, {len(lacking)} lack events")
        print(f"{'ok' if born and not lacking else 'not ok'} - perf: a {what} that is born"
              " between two requests has its events", flush=True)
    for task in pid, *processes:
        os.kill(task, signal.SIGKILL)


# --- a process that is stuck in execve() -----------------------------------

ODD = b"/dev/shm/\xff"


def map_odd():
    """An executable mapping has a name that stock cannot read."""
    with open(ODD, "w+b") as odd:
        map_file(odd.fileno(), mmap.PROT_READ | mmap.PROT_EXEC, 4096)


IN_TIME = ["timeout", "-s", "KILL", "60"]


def record_beside(patched, title, options, prefix=()):
    """Returns a title and the file of a recording, or None if perf does not end."""
    data = f"/dev/shm/beside {title}"
    done = run_record(patched, data, options, [*IN_TIME, *prefix])
    if done.returncode:
        print(f"# {title}: {done.returncode}, {done.stdout[:500]}")
    return title, None if done.returncode else data


def check_stuck(patched):
    """Where stock waits for ever"""
    set_sysctl("hung_task_timeout_secs", 0)
    server = start_fuse()
    parent, stuck = start_before_execve(lambda: (become_user(), map_odd()))
    every = ["-a", *NO_BUILD_IDS]
    threads = [*every, "--num-thread-synthesize", "4"]
    recordings = [record_beside(patched, "a process that holds its mmap lock", ["-a"])]

    # Now a child waits for the lock in execve().
    let_execve(stuck)
    what = "a process that is stuck in execve()"
    with_build_ids = record_beside(patched, f"{what}, build ids", ["-a"])
    recordings += [
        with_build_ids,
        record_beside(patched, what, [*every, "--namespaces"]),
        record_beside(patched, f"{what}, 4 threads", [*threads, "--namespaces"]),
        record_beside(patched, f"{what}, its user", every, AS_USER),
        record_beside(patched, f"{what}, another user", every, AS_OTHER),
        record_beside(patched, f"{what}, another user, 4 threads", threads, AS_OTHER),
        record_beside(patched, f"{what}, another user, root without CAP_SYS_PTRACE",
                      [*threads, "--namespaces"], WITHOUT_PTRACE)]
    sampled = "/dev/shm/sampled"
    others = [(name, subprocess.run([*IN_TIME, patched, *argv], stdout=subprocess.DEVNULL,
                                    check=False).returncode)
              for name, argv in (
                  ("bench", SYNTHESIZE),
                  ("script", ["script", "-f", "-i", str(with_build_ids[1])]),
                  # The last process that mapped the libraries is the one that is stuck.
                  ("record of samples", ["record", "-q", "-a", "-e", "cpu-clock", "-o", sampled,
                                         "--", "sh", "-c", "for i in 1 2 3 4 5; do ls /; done"]),
                  ("report", ["report", "-f", "-i", sampled, "--stdio"]))]
    os.kill(server, signal.SIGKILL)
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)

    for name, status in others:
        print(f"{'ok' if not status else 'not ok'} - perf {name}: {what} does not stop it",
              flush=True)
    for title, data in recordings:
        texts = [text for _, text in events(patched, data)] if data else []
        lacking = [pattern for pid in [parent, *([stuck] if what in title else [])]
                   for pattern in (rb"_COMM: .*:%d/%d$" % (pid, pid),
                                   rb"_FORK\(%d:%d\)" % (pid, pid))
                   if not any(re.search(pattern, text) for text in texts)]
        if "another user" not in title and not any(text.endswith(ODD) for text in texts):
            lacking.append(ODD)
        good = data and not lacking
        print(f"# {len(texts)} events, lacks {lacking}")
        print(f"{'ok' if good else 'not ok'} - perf: {title} does not stop it, and has events",
              flush=True)


# --- perf's own tests ------------------------------------------------------

TESTS = ["cache", "reopen", "Object code reading", "Lookup mmap thread", "Share thread maps",
         "Thread map", "Synthesize thread map", "Remove thread map", "Test api io"]
# 6.12 and 7.3 have different names for it.
TEST_OF_MAPS = ["maps__merge_in", "Maps - per process"]


def verdicts(perf):
    """The results that perf reports for its tests"""
    shown = subprocess.run([perf, "test", *TESTS, *TEST_OF_MAPS], stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, check=False).stdout.decode()
    found = re.findall(r"^ *[\d.]+: (.*?) *: (.*)$", shown, re.MULTILINE)
    return {name.strip(): verdict.strip() for name, verdict in found}


def compare_tests(stock, patched):
    theirs, ours = verdicts(stock), verdicts(patched)
    print(f"{'ok' if len(theirs) > len(TESTS) else 'not ok'} - perf test: {len(theirs)} tests run"
          " with stock", flush=True)
    for name in sorted(theirs.keys() | ours.keys()):
        before, now = theirs.get(name, "is missing"), ours.get(name, "is missing")
        good = before == now == "Ok"
        print(f"{'ok' if good else 'not ok'} - perf test: {name}: {now}, with stock {before}",
              flush=True)


def sockets(perf, options=(), prefix=()):
    """The calls of socket() of a perf, or None if it fails"""
    traced = subprocess.run(["strace", "-f", "-e", "trace=socket", "-o", "/dev/shm/trace",
                             *prefix, perf, *SYNTHESIZE, *options],
                            stdout=subprocess.DEVNULL, check=False)
    trace = pathlib.Path("/dev/shm/trace").read_bytes()
    return None if traced.returncode else trace


def check_use(patched):
    """When it asks task_diag"""
    # perf record does not work with the last one, stock neither.
    foreign = ["nsenter", f"--mount=/proc/{start(mount_foreign_proc)}/ns/mnt"]
    for what, wants, options, prefix in (
            ("uses task_diag", True, [], []),
            ("does not use it with --no-task-diag", False, ["--no-task-diag"], []),
            ("does not use it with /proc of another pid namespace", False, [], foreign)):
        trace = sockets(patched, options, prefix)
        good = trace is not None and (b"AF_NETLINK" in trace) == wants
        print(f"{'ok' if good else 'not ok'} - perf: {what}", flush=True)


def main():
    stock, patched, longer = sys.argv[1:]
    if not os.path.exists(longer):
        sys.exit(f"there is no {longer}")
    os.environ["HOME"] = "/root"
    world = make_world()
    # Reading all of the kernel's symbols takes most of the time of a recording.
    subprocess.run(["mount", "--bind", "/dev/null", "/proc/kallsyms"], check=True)
    for title, options in modes(world):
        compare(title, world, lambda: record(stock, options), lambda: record(patched, options),
                may_fail="--all-cgroups" in options)
    # Structs that are longer than perf knows them
    preload = ["env", f"LD_PRELOAD={longer}"]
    for title, options in modes(world)[:8]:
        compare(f"{title}, longer structs", world, lambda: record(stock, options),
                lambda: record(patched, options, preload), may_fail="--all-cgroups" in options)
    compare("--no-task-diag", world, lambda: record(stock, ["-a"]),
            lambda: record(patched, ["-a", "--no-task-diag"]))
    check_names(patched)

    pathlib.Path("/proc/sys/kernel/perf_event_paranoid").write_text("-1", encoding="ascii")
    os.chmod("/dev/shm", 0o1777)
    for title, options, prefix in refusals(world):
        compare(title, world, lambda: record(stock, options, prefix),
                lambda: record(patched, options, prefix))

    for number in FAILURES:
        compare(f"the answers fail from number {number} on", world, lambda: record(stock, ["-a"]),
                lambda: record_failing(patched, number))
    check_births(patched)

    check_use(patched)
    check_stuck(patched)
    subprocess.run(["umount", "/proc/kallsyms"], check=True)
    compare_tests(stock, patched)


main()
