#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Compares ss of two builds of iproute2.

usage: test.py STOCK PATCHED LONGER

STOCK and PATCHED are directories with bin, LONGER is a library to preload that makes
the kernel's structs longer. Runs in the VM, as root. Prints TAP.
Exit status: 0, 1 if they differ, 2 for wrong usage.
"""
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time

from runner import Prefixed, Runner, Tap
from zoo import (CLONE_NEWUSER, PR_SET_DUMPABLE, PR_SET_NAME, USER, as_user, become, bind, call,
                 child, hidepid, leave_proc, own_user_namespace, set_sysctl, sleep_forever,
                 start_fuse, start_holder, start_user_namespace, without_ptrace)


CLONE_FILES = 0x00000400
MANY = 3000

tap = Tap("iproute2")
held = []


# --- processes that have sockets ------------------------------------------

def unix_pairs(count=1):
    return [socket.socketpair() for _ in range(count)]


def tcp():
    """A listening socket, and both ends of a connection to it."""
    listener = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(listener.getsockname())
    return listener, client, listener.accept()


def udp():
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.bind(("127.0.0.1", 0))
    return one


def with_sockets(make, uid=0, name=None, dumpable=True):
    """A function for a process that keeps the sockets until it ends."""
    def run():
        if uid:
            become(uid, uid)
        if name is not None:
            call("prctl", PR_SET_NAME, name, 0, 0, 0)
        held.append(make())
        if not dumpable:
            call("prctl", PR_SET_DUMPABLE, 0, 0, 0, 0)
    return run


def inherited():
    """A connection that three processes share."""
    sockets = tcp()
    for _ in range(2):
        if os.fork() == 0:
            sleep_forever()
    return sockets


def descriptors():
    """Many descriptors of one socket, with others of the same process in between."""
    pairs = unix_pairs(20)
    for number in range(500, 600, 3):
        os.dup2(pairs[number % 20][0].fileno(), number)
    os.open("/tmp", os.O_PATH)
    return pairs


def of_a_thread():
    """Sockets that only a thread has, and others."""
    def own():
        call("unshare", CLONE_FILES)
        held.append(tcp())
        sleep_forever()
    threading.Thread(target=own, daemon=True).start()
    return unix_pairs()


def in_user_namespace():
    """Another user's sockets, in a user namespace that the user owns."""
    pid, outer = os.getpid(), os.readlink("/proc/self/ns/user")
    if os.fork() == 0:
        while os.readlink(f"/proc/{pid}/ns/user") == outer:
            time.sleep(.01)
        with open(f"/proc/{pid}/uid_map", "w", encoding="ascii") as uid_map:
            uid_map.write(f"0 {USER} 1\n1 4321 1\n")
        os._exit(0)
    become(USER, USER)
    call("unshare", CLONE_NEWUSER)
    os.wait()
    os.setresuid(1, 1, 1)
    call("prctl", PR_SET_DUMPABLE, 1, 0, 0, 0)
    return unix_pairs()


def populate():
    for name in (b"fifteen letters", b"a) (b", b")", b"(x)", b" ", b"two\nlines", b"back\\slash",
                 b"\xc3\xa9\xff", b""):
        child(with_sockets(unix_pairs, name=name))
    child(with_sockets(tcp))
    child(with_sockets(udp))
    child(with_sockets(inherited))
    child(with_sockets(descriptors))
    child(with_sockets(of_a_thread))
    child(with_sockets(lambda: unix_pairs(MANY // 2)))
    child(with_sockets(tcp, uid=1))
    child(with_sockets(tcp, uid=1000))
    child(with_sockets(unix_pairs, uid=1000))
    child(with_sockets(unix_pairs, uid=1000, dumpable=False))
    child(with_sockets(in_user_namespace))
    child(with_sockets(own_user_namespace, uid=USER))


# --- comparing -------------------------------------------------------------

COMMANDS = [argv.split() for argv in (
    "ss -tuxp", "ss -tuxpa", "ss -tlnp", "ss -xp state connected", "ss -Otpe", "ss -uap",
    "ss -tuxpH -n", "ss -tpe", "ss -p sport = :1", "ss -x -p -m", "ss -tuxpT", "ss -tx",
    "ss -p -f nothing")]


def check_same(what, commands, stock, patched):
    bad = []
    for argv in commands:
        one, other = stock.run(argv), patched.run(argv)
        if (one.status, one.err) != (other.status, other.err):
            bad.append(f"{argv}: status {one.status} {one.err}, {other.status} {other.err}")
        lines = one.out.split(b"\n"), other.out.split(b"\n")
        bad += [f"{argv}: {pair}" for pair in zip(*lines) if pair[0] != pair[1]][:5]
        if len(lines[0]) != len(lines[1]):
            bad.append(f"{argv}: {len(lines[0])} lines and {len(lines[1])}")
    tap.result(not bad, f"{what}: same output", bad[:20])


def check_users(stock, patched):
    """Checks that there is something to compare."""
    out = patched.run(["ss", "-tuxp"]).out
    found = {b"fifteen letters": 1, b"a": 1, b"python3": MANY}
    bad = [name for name, least in found.items()
           if len(re.findall(rb'\("%s",pid=' % name, out)) < least]
    tap.result(not bad, "processes are shown", bad)
    out = Runner(patched.root, as_user).run(["ss", "-tuxp"]).out
    users = len(re.findall(rb"users:", out))
    tap.result(0 < users < 20, "a user is shown his own", [users])


def opened(runner, argv):
    runner.run(argv, ("strace", "-f", "-o", "/tmp/opened", "-e", "trace=openat,readlink"))
    with open("/tmp/opened", encoding="latin-1") as calls:
        return [line for line in calls if re.search(r'"/proc/\d+', line)]


def check_requests(stock, patched):
    files = opened(stock, ["ss", "-tuxp"])
    tap.result(len(files) > MANY, "stock reads the links of each process", files[:5])
    files = opened(patched, ["ss", "-tuxp"])
    tap.result(not files, "patched reads no file of a process", files[:5])


def check_denied(stock, patched):
    set_sysctl("task_diag", 2)
    check_same("denied by the sysctl", COMMANDS[:3], stock, patched)
    files = opened(patched, ["ss", "-tp"])
    tap.result(len(files) > MANY, "it reads links then", files[:5])
    set_sysctl("task_diag", 0)


def check_everybody(stock, patched):
    def check(what, make, commands=None):
        check_same(what, commands or COMMANDS[:4], make(stock.root), make(patched.root))

    check("user", lambda root: Runner(root, as_user), COMMANDS)
    check("user with CAP_SYS_PTRACE alone", lambda root: Prefixed(
        root, "setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups",
        "--inh-caps=+sys_ptrace", "--ambient-caps=+sys_ptrace"))
    check("root without CAP_SYS_PTRACE", lambda root: Runner(root, without_ptrace))
    for options in (b"hidepid=1", b"hidepid=2", b"hidepid=2,gid=1000", b"hidepid=4"):
        check("user on " + options.decode(),
              lambda root, options=options: Runner(root, lambda: (hidepid(options), as_user())))
    check("no /proc", lambda root: Runner(root, leave_proc))
    check("/proc of another pid namespace", lambda root: Prefixed(root, "unshare", "--pid", "--fork"))
    check("a pid namespace of its own", lambda root: Prefixed(
        root, "unshare", "--pid", "--fork", "--mount-proc"))
    pid = start_user_namespace()
    check("root of a user namespace", lambda root: Prefixed(
        root, "nsenter", f"--target={pid}", "--user"))
    check("longer structs", lambda root: Runner(
        root, env={"LD_PRELOAD": sys.argv[3]} if root == patched.root else None))
    check("PROC_ROOT", lambda root: Runner(root, env={"PROC_ROOT": "/run/proc"}))


def receive_calls(runner, argv, *inject):
    """The result, and the calls with which an answer of task_diag is received."""
    result = runner.run(argv, ("strace", "-o", "/tmp/received", "-e", "trace=recvfrom",
                               *(word for rule in inject for word in ("-e", "inject=" + rule))))
    with open("/tmp/received", encoding="latin-1") as calls:
        return result, [line for line in calls if line.startswith("recvfrom(")]


def check_broken(stock, patched):
    argv = ["ss", "-tuxp"]
    whole, calls = receive_calls(patched, argv)
    bad = []
    for error, at in (("ENOBUFS", 1), ("ENOBUFS", len(calls) // 2), ("ENOBUFS", len(calls) - 1),
                      ("ENOMEM", len(calls) - 1)):
        rule = f"recvfrom:error={error}:when={at}+"
        result, calls = receive_calls(patched, argv, rule)
        if not any("(INJECTED)" in line for line in calls):
            bad.append(f"{rule}: it is not called so often")
        if (result.status, result.out, result.err) != (0, whole.out, b""):
            bad.append(f"{rule}: status {result.status} {result.err}, {len(result.out)} bytes, "
                       f"not {len(whole.out)}")
    tap.result(not bad and whole.out == stock.run(argv).out,
               "an answer that ends early: same output", bad)


def check_vanishing(patched):
    """Processes with sockets that start and end all the time."""
    def restart():
        while True:
            if os.fork() == 0:
                held.append(unix_pairs(20))
                os._exit(0)
            os.wait()

    owner = re.compile(rb'\("fifteen letters",pid=\d+,fd=\d+\)')
    before = owner.findall(patched.run(["ss", "-xp"]).out)
    pid = os.fork()
    if pid == 0:
        restart()
    bad = []
    for _ in range(10):
        result = patched.run(["ss", "-xp"])
        if result.status or result.err or owner.findall(result.out) != before:
            bad.append(f"status {result.status} {result.err}")
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    tap.result(before and not bad, "processes that start and end: the others are shown", bad)


def check_stuck(patched):
    """Processes whose memory is locked for ever, with a socket."""
    set_sysctl("hung_task_timeout_secs", 0)     # do not report tasks that hang on purpose
    server = start_fuse()
    inherited_by_them = socket.socketpair()
    pids = [start_holder(how) for how in ("read", "write")]
    bad = []
    for who, before in (("root", None), ("root without CAP_SYS_PTRACE", without_ptrace),
                        ("its user", as_user), ("another user", lambda: os.setresuid(1, 1, 1))):
        try:
            result = Runner(patched.root, before).run(["ss", "-tuxp"], timeout=20)
        except subprocess.TimeoutExpired:
            bad.append(f"{who}: it hangs")
            continue
        shown = [b"pid=%d," % pid in result.out for pid in pids]
        if result.status or who in ("root", "its user") and not all(shown):
            bad.append(f"{who}: status {result.status}, {shown}")
    tap.result(not bad, "processes whose memory is locked for ever do not stop it", bad)
    for pid in (server, *pids):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    for one in inherited_by_them:
        one.close()


def main():
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    stock, patched = (Runner(bind(path, f"/run/{name}"))
                      for path, name in zip(sys.argv[1:3], ("stock", "patched")))
    resource.setrlimit(resource.RLIMIT_NOFILE, (4 * MANY, 4 * MANY))
    os.makedirs("/run/proc")
    call("mount", b"proc", b"/run/proc", b"proc", 0, None)
    populate()
    check_same("root", COMMANDS, stock, patched)
    check_users(stock, patched)
    check_requests(stock, patched)
    check_everybody(stock, patched)
    check_denied(stock, patched)
    check_broken(stock, patched)
    check_vanishing(patched)
    check_stuck(patched)
    sys.stdout.flush()
    os._exit(1 if tap.failed else 0)


if __name__ == "__main__":
    main()
