#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Compares the events that two perfs synthesize for the same tasks.

usage: events.py STOCK PATCHED LONGER

For harness/vm. Prints TAP. STOCK is a perf that reads /proc, PATCHED one that asks
task_diag, LONGER a library to preload that makes the kernel's structs longer.
"""
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

from zoo import FUSE, PR_SET_NAME, SYS_EXIT, hangs, set_sysctl, start_fuse, wait_for_page

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


def become_user():
    os.setgroups([])
    os.setresgid(USER, USER, USER)
    os.setresuid(USER, USER, USER)


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


EVENT = re.compile(rb"PERF_RECORD_(?:COMM.*:(\d+)/\d+$|FORK\((\d+):|MMAP2? (\d+)/"
                   rb"|NAMESPACES (\d+)/|CGROUP)", re.DOTALL)


def record(perf, options, prefix=()):
    """Records, and returns the events as (pid, text), or the reason why there are none."""
    data = f"/dev/shm/{threading.get_ident()}.data"
    # Do not cut a list of mappings, however slow the guest is.
    done = subprocess.run([*prefix, perf, "record", "-q", "-B", "-N", "-e", "dummy:u", "-o",
                           data, "--proc-map-timeout", "600000", *options, "--", "true"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode or not os.path.exists(data):
        return done.stdout.decode(errors="replace").strip() or "no reason"
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
            pid = next((group for group in match.groups() if group), b"-1")
            found.append((int(pid), match.string[match.start():]))
    return found


def at_rest(events, frozen):
    """The events of the tasks that do not change, sorted"""
    # The suffix of a kernel worker's name, which says what it serves, changes.
    return sorted(re.sub(rb"(: kworker/[^-+]*)[-+].*(:\d+/)", rb"\1\2", text)
                  for pid, text in events if pid in frozen or pid < 0)


def compare(what, world, stock, patched):
    """Prints a TAP line: do two calls of record() give the same?"""
    what = f"perf: {what}: same events"
    before = snapshot()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        theirs, ours = pool.map(lambda run: run(), (stock, patched))
    after = snapshot()
    frozen = {pid for pid in before if before[pid] == after.get(pid)} - {os.getpid()}
    restless = [name for name, pid in world.items() if pid not in frozen]
    if restless:
        print(f"# not at rest: {restless}\nnot ok - {what}", flush=True)
        return
    if isinstance(theirs, str) and theirs == ours:
        print(f"ok - {what} # SKIP {theirs.splitlines()[-1]}", flush=True)
        return
    if isinstance(theirs, str) or isinstance(ours, str):
        print(f"# stock: {str(theirs)[:500]}\n# patched: {str(ours)[:500]}\nnot ok - {what}",
              flush=True)
        return

    theirs, ours = at_rest(theirs, frozen), at_rest(ours, frozen)
    for text in sorted(set(theirs) - set(ours))[:20]:
        print(f"# lacks {text}")
    for text in sorted(set(ours) - set(theirs))[:20]:
        print(f"# has besides {text}")
    print(f"# {len(theirs)} events and {len(ours)}")
    print(f"{'ok' if theirs and theirs == ours else 'not ok'} - {what}", flush=True)


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


def refusals(world):
    """Where task_diag shows only some tasks, or nothing: titles, and a command prefix"""
    return [
        ("a user who may not see all", ["setpriv", f"--reuid={USER}", f"--regid={USER}",
                                        "--clear-groups"]),
        ("refused in a foreign network namespace",
         ["nsenter", f"--net=/proc/{world['namespaces']}/ns/net"]),
    ]


# Of the family; of the first request; in the middle of its answer; of the second one
FAILURES = 1, 3, 5, 6, 7, 8


def failing(number):
    """A command prefix with which answers fail from that number on"""
    return ["strace", "-f", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=recvfrom",
            "-e", f"inject=recvfrom:error=ENOBUFS:when={number}+"]


# --- threads that begin between the requests -------------------------------


def bear_threads():
    """Starts threads for ever; each is named after its start time, in milliseconds."""
    while True:
        thread(set_name, b"%d" % (time.time() * 1000))
        time.sleep(0.05)


def check_births(patched):
    """Delays the request for threads by two seconds."""
    what = "perf: a thread that is born between two requests has COMM and FORK"
    pid = start(set_name, b"parent", then=bear_threads)
    trace = pathlib.Path("/dev/shm/trace")
    events = record(patched, ["-a"], ["strace", "-f", "--seccomp-bpf", "-ttt", "-o", str(trace),
                                      "-e", "trace=sendmsg",
                                      "-e", "inject=sendmsg:delay_enter=2000000:when=4"])
    sent = re.search(r"^\d+ +([\d.]+) .*\(DELAYED\)$", trace.read_text(encoding="ascii"),
                     re.MULTILINE)
    born = {}
    for tid in set(os.listdir(f"/proc/{pid}/task")) - {str(pid)}:
        name = pathlib.Path(f"/proc/{pid}/task/{tid}/comm").read_bytes().strip()
        if sent and 0.1 < int(name) / 1000 - float(sent[1]) < 1.9:
            born[tid] = name
    os.kill(pid, signal.SIGKILL)
    texts = b"\n".join(text for _, text in events) if isinstance(events, list) else b""
    # The kernel records the start, too.
    lacking = [name for tid, name in born.items()
               if texts.count(b"_COMM: %s:%d/%d" % (name, pid, int(tid))) < 2 or
               texts.count(b"_FORK(%d:%d):" % (pid, int(tid))) < 2]
    print(f"# {len(born)} were born, {len(lacking)} have none")
    print(f"{'ok' if born and not lacking else 'not ok'} - {what}", flush=True)


# --- a process that is stuck in execve() -----------------------------------

FIFO = b"/dev/shm/fifo"


def spawn_when_told():
    """Spawns a child that shares the memory and waits for a writer before execve()."""
    actions = ctypes.create_string_buffer(1024)
    argv = (ctypes.c_char_p * 2)(b"true", None)
    LIBC.posix_spawn_file_actions_init(actions)
    LIBC.posix_spawn_file_actions_addopen(actions, 0, FIFO, os.O_RDONLY, 0)
    LIBC.posix_spawn(None, b"/bin/true", actions, None, argv, argv)


def hold_mmap_lock():
    """Maps a file that first waits for the page that is being read."""
    page, direct = (os.open(f"{FUSE}/file", os.O_RDONLY | flags) for flags in (0, os.O_APPEND))
    threading.Thread(target=spawn_when_told, daemon=True).start()
    threading.Thread(target=wait_for_page, args=(page,), daemon=True).start()
    time.sleep(1)
    LIBC.mmap(None, 4096, mmap.PROT_READ, mmap.MAP_PRIVATE, direct, 0)


def children(parent):
    """Does not open the children's files, which may take for ever."""
    return [int(pid) for path in pathlib.Path(f"/proc/{parent}/task").glob("*/children")
            for pid in path.read_text(encoding="ascii").split()]


def check_stuck(patched):
    """Where stock waits for ever"""
    what = "perf: a process that is stuck in execve() does not stop it"
    set_sysctl("hung_task_timeout_secs", 0)
    server = start_fuse()
    os.mkfifo(FIFO)
    parent = start(become_user, then=hold_mmap_lock)
    time.sleep(3)
    os.close(os.open(FIFO, os.O_WRONLY | os.O_NONBLOCK))
    time.sleep(1)
    stuck = [pid for pid in children(parent) if hangs(f"/proc/{pid}/maps")]

    # perf record and script look at files of processes for other reasons, too.
    done = subprocess.run(["timeout", "-s", "KILL", "60", patched, *SYNTHESIZE],
                          stdout=subprocess.DEVNULL, check=False)
    print(f"{'ok' if stuck and not done.returncode else 'not ok'} - {what}", flush=True)
    os.kill(server, signal.SIGKILL)


# --- perf's own tests ------------------------------------------------------

TESTS = ["cache", "reopen", "Object code reading", "Use a dummy software event", "Lookup mmap thread",
         "Share thread maps", "Thread map", "Synthesize thread map", "Remove thread map",
         "maps__merge_in", "Test api io"]


def verdicts(perf):
    """The results that perf reports for its tests"""
    shown = subprocess.run([perf, "test", *TESTS], stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, check=False).stdout.decode()
    found = re.findall(r"^ *[\d.]+: (.*?) *: (.*)$", shown, re.MULTILINE)
    return {name.strip(): verdict.strip() for name, verdict in found}


def compare_tests(stock, patched):
    theirs, ours = verdicts(stock), verdicts(patched)
    for name in sorted(theirs.keys() | ours.keys()):
        before, now = theirs.get(name, "is missing"), ours.get(name, "is missing")
        good = now == before or now == "Ok"
        print(f"{'ok' if good else 'not ok'} - perf test: {name}: {now}, as with stock"
              if good else f"not ok - perf test: {name}: {now}, with stock {before}", flush=True)


def uses_netlink(perf, *options):
    traced = subprocess.run(["strace", "-f", "-e", "trace=socket", "-o", "/dev/shm/trace", perf,
                             *SYNTHESIZE, *options], stdout=subprocess.DEVNULL, check=False)
    trace = pathlib.Path("/dev/shm/trace").read_bytes()
    return not traced.returncode and b"AF_NETLINK" in trace


def main():
    stock, patched, longer = sys.argv[1:]
    os.environ["HOME"] = "/root"
    world = make_world()
    # Reading all of the kernel's symbols takes most of the time of a recording.
    subprocess.run(["mount", "--bind", "/dev/null", "/proc/kallsyms"], check=True)
    for title, options in modes(world):
        compare(title, world, lambda: record(stock, options), lambda: record(patched, options))
    # Structs that are longer than perf knows them
    preload = ["env", f"LD_PRELOAD={longer}"]
    for title, options in modes(world)[:8]:
        compare(f"{title}, longer structs", world, lambda: record(stock, options),
                lambda: record(patched, options, preload))
    compare("--no-task-diag", world, lambda: record(stock, ["-a"]),
            lambda: record(patched, ["-a", "--no-task-diag"]))

    pathlib.Path("/proc/sys/kernel/perf_event_paranoid").write_text("-1", encoding="ascii")
    os.chmod("/dev/shm", 0o1777)
    for title, prefix in refusals(world):
        compare(title, world, lambda: record(stock, ["-a"], prefix),
                lambda: record(patched, ["-a"], prefix))

    for number in FAILURES:
        compare(f"the answers fail from number {number} on", world, lambda: record(stock, ["-a"]),
                lambda: record(patched, ["-a"], failing(number)))
    check_births(patched)

    print(f"{'ok' if uses_netlink(patched) else 'not ok'} - perf: uses task_diag")
    print(f"{'not ok' if uses_netlink(patched, '--no-task-diag') else 'ok'}"
          " - perf: does not use it with --no-task-diag", flush=True)
    subprocess.run(["umount", "/proc/kallsyms"], check=True)
    compare_tests(stock, patched)
    check_stuck(patched)


main()
