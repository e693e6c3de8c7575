# SPDX-License-Identifier: GPL-2.0
"""Tasks of every kind, and helpers with which the consumers' tests change the system."""
import ctypes
import fcntl
import glob
import mmap
import os
import resource
import shutil
import signal
import struct
import subprocess
import sys
import termios
import threading
import time

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int,
                      ctypes.c_int, ctypes.c_int, ctypes.c_long]

PR_SET_DUMPABLE, PR_SET_NAME, PR_CAPBSET_DROP, PR_SET_MM = 4, 15, 24, 35
PR_SET_MM_ARG_START, PR_SET_MM_ARG_END = 8, 9
PTRACE_TRACEME = 0
SYS_PREAD64 = "17"                      # as /proc/PID/syscall has it
SYS_EXIT, SYS_SETRESUID, SYS_SETRESGID = 60, 117, 119
SYS_LANDLOCK_CREATE_RULESET, SYS_LANDLOCK_RESTRICT_SELF = 444, 446
CAP_SYS_PTRACE = 19
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWUSER = 0x00020000, 0x04000000, 0x10000000
CLONE_NEWPID, CLONE_NEWNET = 0x20000000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
MNT_DETACH = 2
USER = 1000


def call(name, *args):
    """Calls a function of the C library; raises an exception if it fails."""
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
    """Forks a process that calls function, reports it, and sleeps. Returns its pid."""
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
    """Starts cat with any arguments; it reads a pipe that stays empty."""
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
    """Calls the kernel directly: the C library would change all threads."""
    libc.syscall(SYS_SETRESGID, uid, uid, uid)
    libc.syscall(SYS_SETRESUID, uid, uid, uid)


def start_threads(count, uid=None):
    """Starts threads with names of their own, as another user if uid is set."""
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
    """Starts threads of several users; the leader is this user's."""
    for other in (0, 1, USER):
        start_threads(1, other)
    set_ids_of_thread(uid)
    call("prctl", PR_SET_DUMPABLE, 1, 0, 0, 0)


def zombie_leader():
    """A process whose first thread has ended while others live."""
    pid = child(lambda: (start_threads(2), os.fork() or leave_threads()))
    return pid


def leave_threads():
    start_threads(2)
    libc.syscall(SYS_EXIT, 0)


def stat_field(number):
    with open("/proc/self/stat", encoding="latin-1") as stat:
        return int(stat.read().rpartition(")")[2].split()[number - 3])


def set_title(title, keep_end):
    """Overwrites the arguments, as setproctitle() does."""
    start, end = stat_field(48), stat_field(49)
    if keep_end:
        title = title[:end - start - 1].ljust(end - start, b"\0")
    else:
        title = (title * 200)[:end - start + 40] + b"\0"
    ctypes.memmove(start, title, len(title))


def set_arguments(text, size):
    """Moves the arguments to a new mapping of that size, which begins with text; returns it."""
    at = libc.mmap(None, size, mmap.PROT_READ | mmap.PROT_WRITE,
                   mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
    ctypes.memmove(at, text, len(text))
    call("prctl", PR_SET_MM, PR_SET_MM_ARG_START, ctypes.c_ulong(at), 0, 0)
    call("prctl", PR_SET_MM, PR_SET_MM_ARG_END, ctypes.c_ulong(at + size), 0, 0)
    return at


def long_arguments():
    """Has longer arguments than execve() accepts: task_diag reports E2BIG."""
    set_arguments(b"arguments\0that\0are long\0", 7 << 20)


def become(uid, gid, groups=()):
    os.setgroups(list(groups))
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    call("prctl", PR_SET_DUMPABLE, 1, 0, 0, 0)


def on_terminal():
    """A session on a new terminal: the leader, and processes in back- and foreground."""
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
    """Creates tasks of every kind; returns the pids of some by name."""
    pids = {}
    long_env = {"LONG": "e" * 40000, "ODD": "new\nline", "EMPTY": ""}
    for argv in (
            [b"cat", b"-", b"two words", b"tab\there", b"new\nline", b"", b"back\\slash", b'"'],
            [b"cat", b"-", "\u00e4\u6f22".encode(), b"\xff\xfe\x01\x1b[2J", b"trailing ", b" "],
            [b"", b"-"],
            [b"-cat", b"-"],
            [b"cat", b"-", b"$<1>", *(b"a" * n + odd for n in range(8)
                                      for odd in (b"\x1f", b"\x7f", "\u00e9".encode()))],
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


def map_deleted_library():
    """Maps an executable library and then deletes it."""
    path = "/tmp/library.so"
    shutil.copy("/bin/cat", path)
    with open(path, "rb") as file:
        libc.mmap(None, 8192, mmap.PROT_READ | mmap.PROT_EXEC, mmap.MAP_PRIVATE, file.fileno(), 0)
    os.unlink(path)


def use_memory_and_files():
    memory = bytearray(b"x" * (20 << 20))
    with open("/bin/cat", "rb") as source, open("/dev/null", "wb") as sink:
        for _ in range(100):
            source.seek(0)
            sink.write(source.read())
    for _ in range(1000):
        time.sleep(0)
        os.sched_yield()
    return memory


def with_foreign_thread():
    """Two threads, of which one becomes another user's alone."""
    become(USER, USER)
    start_threads(1)


def thread_of_root():
    """A process whose threads have different users: some callers see only the leader."""
    start_threads(2)
    libc.syscall(SYS_SETRESUID, USER, USER, USER)
    call("prctl", PR_SET_DUMPABLE, 1, 0, 0, 0)


def work():
    end = time.monotonic() + .3
    while time.monotonic() < end:
        pass


def populate_more():
    for function in (map_deleted_library, use_memory_and_files, with_foreign_thread,
                     thread_of_root, work, lambda: os.chdir("/usr/lib"),
                     lambda: (os.mkdir("/tmp/cwd"), os.chdir("/tmp/cwd"), os.rmdir("/tmp/cwd"))):
        child(function)
    child(lambda: (become(USER, USER), work(), use_memory_and_files()))
    child(lambda: (become(USER, USER), map_deleted_library()))
    program([b"/usr/bin/cat", b"-"])
    program([b"/usr/bin/cat - flattened /etc/passwd"])
    program([b"no such: program"])


# --- who looks, and at what ----------------------------------------------

def own_mounts():
    call("unshare", CLONE_NEWNS)
    call("mount", b"none", b"/", None, MS_REC | MS_PRIVATE, None)


def hidepid(options):
    """Mounts a private /proc with options."""
    own_mounts()
    call("mount", b"proc", b"/proc", b"proc", 0, options)


def leave_proc():
    """Removes /proc from the mount namespace."""
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


def drop_capabilities(which):
    """Keeps programs that root starts from having these capabilities."""
    for capability in which:
        call("prctl", PR_CAPBSET_DROP, capability, 0, 0, 0)


def without_ptrace():
    drop_capabilities([CAP_SYS_PTRACE])


# Docker's default: chown, dac_override, fowner, fsetid, kill, setgid, setuid, setpcap,
# net_bind_service, net_raw, sys_chroot, mknod, audit_write, setfcap
DOCKER = (0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31)


def other_capabilities():
    with open("/proc/sys/kernel/cap_last_cap", encoding="ascii") as last:
        return set(range(int(last.read()) + 1)) - set(DOCKER)


def contain(programs):
    """Becomes a container, with tasks that have its capabilities and others that have more."""
    own_mounts()
    call("unshare", CLONE_NEWPID)
    ready, done = os.pipe()
    pid = os.fork()
    if pid == 0:
        call("mount", b"proc", b"/proc", b"proc", 0, None)
        child(lambda: start_threads(2))
        child(lambda: become(1, 1))
        for _ in range(programs):
            child(lambda: (drop_capabilities(other_capabilities()),
                           program([b"cat", b"-", b"in a container"])))
        os.write(done, b"+")
        sleep_forever()
    os.read(ready, 1)
    with open("/tmp/container", "w", encoding="ascii") as container:
        container.write(str(pid))


def start_container(programs=1):
    """Returns the pid of its init, and the words that run a program in it."""
    child(lambda: contain(programs))
    with open("/tmp/container", encoding="ascii") as container:
        pid = int(container.read())
    drop = ",".join(f"-cap_{capability}" for capability in other_capabilities())
    return pid, ("nsenter", f"--target={pid}", "--pid", "--mount",
                 "setpriv", f"--bounding-set={drop}")


# Has a socket, reports it, and sleeps.
SLEEPER = """
import ctypes, signal, socket
pair = socket.socketpair()
ctypes.CDLL(None).prctl({}, {}, 0, 0, 0)
print(flush=True)
signal.pause()
"""
sleepers = []


def start_sleeper(*prefix, dumpable=True):
    sleepers.append(subprocess.Popen(
        [*prefix, sys.executable, "-c", SLEEPER.format(PR_SET_DUMPABLE, int(dumpable))],
        stdout=subprocess.PIPE))
    if not sleepers[-1].stdout.readline():
        sys.exit(f"{prefix} failed")
    return sleepers[-1].pid


def own_user_namespace():
    """A user who sees a process that is not dumpable, because the user namespace is the user's."""
    start_sleeper("unshare", "--user", "--map-current-user", dumpable=False)


def start_user_namespace():
    """A process in a user namespace with one user, and another that has no number there."""
    pid = start_sleeper("unshare", "--user", "--map-root-user")
    caps = "+sys_admin,+sys_ptrace"
    start_sleeper("setpriv", "--reuid=4321", f"--inh-caps={caps}", f"--ambient-caps={caps}",
                  "nsenter", f"--target={pid}", "--user", "--preserve-credentials")
    return pid


def set_sysctl(name, value):
    """Sets a sysctl of kernel. An open file accepts only one write, so open it each time."""
    with open(f"/proc/sys/kernel/{name}", "w", encoding="ascii") as sysctl:
        sysctl.write(str(value))


# --- a process whose memory is locked for ever ----------------------------

FUSE = "/run/fuse"
FIFO = b"/run/fifo"
LOOKUP, FORGET, GETATTR, OPEN, READ, INIT, INTERRUPT, BATCH_FORGET = 1, 2, 3, 14, 15, 26, 36, 42


def serve_fuse(fuse):
    """Serves a file system whose files never deliver a page."""
    while True:
        request = os.read(fuse, 1 << 16)
        opcode, unique, node = struct.unpack_from("<4xIQQ", request)

        def attributes(node):
            mode = 0o40755 if node == 1 else 0o100644
            return struct.pack("<6Q10I", node, 4096, 8, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)
        if opcode == INIT:
            data = struct.pack("<4I2H2I2H8I", 7, 31, 0, 0, 0, 0, 4096, 0, 0, 0, *[0] * 8)
        elif opcode == LOOKUP:
            node = 2 + len(request)     # one inode for each length of a name
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


def wait_until(condition, what):
    deadline = time.monotonic() + 120
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(what)
        time.sleep(0.01)


def children(pid):
    """The pids of its children, whose own files may take for ever."""
    return [int(child) for tasks in glob.glob(f"/proc/{pid}/task/*/children")
            for child in read(tasks).split()]


def read(path):
    with open(path, encoding="latin-1") as file:
        return file.read()


def state(pid):
    return read(f"/proc/{pid}/stat").rpartition(")")[2].split()[0]


def hangs(path):
    with subprocess.Popen(["cat", path], stdout=subprocess.DEVNULL) as process:
        try:
            process.wait(1)
            return False
        except subprocess.TimeoutExpired:
            process.kill()
            return True


def wait_for_page(fd, offset=0):
    try:
        os.pread(fd, 1, offset)
    except OSError:                     # the server has ended
        pass


def let_wait(fd, offset=0):
    """Returns when another thread waits for the page."""
    thread = threading.Thread(target=wait_for_page, args=(fd, offset), daemon=True)
    thread.start()
    wait_until(lambda: read(f"/proc/self/task/{thread.native_id}/syscall").split()[0] ==
               SYS_PREAD64, "nobody waits for the page")


def hold_lock(file):
    """
    Holds the lock of its memory for writing, because it maps the file, which waits for the page
    that is being read. The names of files need different lengths.
    """
    page, direct = (os.open(f"{FUSE}/{file}", os.O_RDONLY | flags) for flags in (0, os.O_APPEND))
    let_wait(page)
    libc.mmap(None, 4096, mmap.PROT_READ, mmap.MAP_PRIVATE, direct, 0)


def hold_memory(how):
    """
    A user's process that keeps others from reading its memory. For "read" it holds its mmap
    lock for reading, because it reads its own memory where the file is mapped, and waits to
    map something, so nobody else gets the lock. For "write" it holds the lock for writing. A
    reader needs the lock to find out that nothing is mapped where the arguments should be.
    """
    nothing = set_arguments(b"", 4096)
    call("munmap", ctypes.c_void_p(nothing), ctypes.c_size_t(4096))
    become(USER, USER)
    if how == "write":
        hold_lock(how)
        return
    page = libc.mmap(None, 4096, mmap.PROT_READ, mmap.MAP_PRIVATE,
                     os.open(f"{FUSE}/{how}", os.O_RDONLY), 0)
    let_wait(os.open("/proc/self/mem", os.O_RDONLY), page)
    libc.mmap(None, 4096, mmap.PROT_READ, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)


def start_holding(function):
    """Returns the pid of a process that calls function, which holds the lock of its memory."""
    pid = os.fork()
    if pid == 0:
        try:
            function()
            sleep_forever()             # the server has ended
        finally:
            os._exit(1)
    wait_until(lambda: state(pid) == "D" and hangs(f"/proc/{pid}/cmdline"), "the lock is not held")
    return pid


def start_holder(how):
    return start_holding(lambda: hold_memory(how))


def spawn_when_told():
    """Starts a child that shares the memory and waits for a writer before it calls execve()."""
    actions = ctypes.create_string_buffer(1024)
    argv = (ctypes.c_char_p * 2)(b"true", None)
    libc.posix_spawn_file_actions_init(actions)
    libc.posix_spawn_file_actions_addopen(actions, 0, FIFO, os.O_RDONLY, 0)
    libc.posix_spawn(None, b"/bin/true", actions, None, argv, argv)


def start_before_execve(prepare):
    """
    Returns the pid of a process that holds the lock of its memory, and that of its child, which
    needs this lock in execve(), where it holds the lock that a reader of its stat needs.
    """
    def hold():
        prepare()
        threading.Thread(target=spawn_when_told, daemon=True).start()
        wait_until(lambda: [state(pid) for pid in children("self")] == ["S"],
                   "no child opens the FIFO")
        hold_lock("execve")
    os.mkfifo(FIFO)
    os.chmod(FIFO, 0o644)
    pid = start_holding(hold)
    child_pid, = children(pid)
    return pid, child_pid


def let_execve(pid):
    """Returns when this child is stuck."""
    os.close(os.open(FIFO, os.O_WRONLY))        # waits for the child
    wait_until(lambda: hangs(f"/proc/{pid}/stat"), "it is not stuck in execve()")
