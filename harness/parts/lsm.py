#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Compares task_diag with procfs where a security module hides tasks.

usage: lsm.py MODULE TESTS

MODULE is apparmor, selinux or smack, with which the VM was booted (harness/vm --lsm),
TESTS the directory of the selftests. For harness/vm: needs root. Prints TAP. Exit
status: 0, 1 if something differs, 2 for wrong usage.
"""
import json
import os
import select
import signal
import subprocess
import sys

from runner import Tap
from zoo import PR_SET_NAME, USER, become, call, child, hidepid

# A task in the first domain may read the second, but not the third. All other tasks are
# in no domain.
READER, SHOWN, HIDDEN = DOMAINS = "reader", "shown", "hidden"


def write(path, text):
    with open(path, "wb", buffering=0) as file:
        file.write(text.encode())


def mount(kind, path):
    call("mount", b"none", path.encode(), kind.encode(), 0, None)


# --- the modules ---------------------------------------------------------

class AppArmor:
    """A profile for each domain."""

    @staticmethod
    def load():
        rules = "file, capability, network, unix, signal,"
        policy = f"""
            profile {READER} flags=(attach_disconnected) {{ {rules}
                ptrace peer=unconfined, ptrace peer={READER}, ptrace peer={SHOWN}, }}
            profile {SHOWN} {{ {rules} ptrace, }}
            profile {HIDDEN} {{ {rules} ptrace, }}"""
        subprocess.run(["apparmor_parser", "-rKq"], input=policy, text=True, check=True)

    @staticmethod
    def enter(domain):
        write("/proc/self/attr/current", f"changeprofile {domain}")


class SELinux:
    """A type for each domain. What the policy does not name is allowed."""

    # By number; current kernels use only a few of them.
    SIDS = """kernel security unlabeled fs file file_labels init any_socket port netif netmsg
        node igmp_packet icmp_socket tcp_socket sysctl_modprobe sysctl sysctl_fs sysctl_kernel
        sysctl_net sysctl_net_unix sysctl_vm sysctl_dev kmod policy scmp_packet devnull""".split()

    @classmethod
    def load(cls):
        types = ["rest", *DOMAINS]
        policy = [
            "class process", "class file",
            *(f"sid {sid}" for sid in cls.SIDS),
            "class process { transition dyntransition }",
            "class file { read }",
            *(f"type {name}_t;" for name in types),
            *(f"allow {a}_t {b}_t:process *;" for a in types for b in types),
            # Allows reading a task's files, and so its properties.
            *(f"allow {a}_t {b}_t:file read;" for a in types for b in types
              if (a, b) != (READER, HIDDEN)),
            "role r;",
            *(f"role r types {name}_t;" for name in types),
            "user u roles { r };",
            *(f"sid {sid} u:r:rest_t" for sid in cls.SIDS),
        ]
        with open("/tmp/policy.conf", "w", encoding="ascii") as file:
            print("\n".join(policy), file=file)
        subprocess.run(["checkpolicy", "-U", "allow", "-c", "33", "-o", "/tmp/policy",
                        "/tmp/policy.conf"], stdout=subprocess.DEVNULL, check=True)
        mount("selinuxfs", "/sys/fs/selinux")
        with open("/tmp/policy", "rb") as policy, \
                open("/sys/fs/selinux/load", "wb", buffering=0) as load:
            load.write(policy.read())
        write("/sys/fs/selinux/enforce", "1")

    @staticmethod
    def enter(domain):
        write("/proc/self/attr/current", f"u:r:{domain}_t")


class Smack:
    """A label for each domain, and rules between them."""

    @staticmethod
    def load():
        mount("smackfs", "/sys/fs/smackfs")
        rules = [(domain, "_") for domain in DOMAINS] + [(READER, SHOWN)]
        for subject, target in rules:
            write("/sys/fs/smackfs/load2", f"{subject} {target} rwxat")

    @staticmethod
    def enter(domain):
        write("/proc/self/attr/current", domain)


MODULES = {"apparmor": AppArmor, "selinux": SELinux, "smack": Smack}


# --- the comparisons -----------------------------------------------------

def processes():
    return {int(name) for name in os.listdir("/proc") if name.isdecimal()}


def run_as(enter, user, function):
    """Calls function in a task whose /proc has hidepid=2; enter puts it into a domain."""
    read, write_end = os.pipe()

    def run():
        # procfs hides nothing from the group gid=, so do not use its default, root's.
        hidepid(b"hidepid=2,gid=12345")
        enter()
        if user:
            become(user, user)
        os.write(write_end, json.dumps(function()).encode())
        os.close(write_end)
    pid = child(run)
    os.close(write_end)
    with os.fdopen(read) as answer:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        return json.load(answer)


class Test:
    """The tests under one module."""

    def __init__(self, name, tests):
        self.module = MODULES[name]()
        self.tool = os.path.join(tests, "task_diag_all")
        self.tap = Tap(name)
        self.tasks = {}

    def enter(self, domain):
        if domain:
            self.module.enter(domain)

    def start(self, domain):
        return child(lambda: (self.enter(domain), become(USER, USER),
                              call("prctl", PR_SET_NAME, b"started", 0, 0, 0)))

    def run_tool(self, *args):
        return subprocess.run([self.tool, *args], stdout=subprocess.PIPE, text=True,
                              check=True).stdout

    def look(self):
        """The tasks of /proc and of task_diag, and the labels of both."""
        listed = processes()
        told = {int(pid) for pid in self.run_tool("--only-pids").split()}
        labels = {task["base"]["pid"]: task.get("label")
                  for task in json.loads(self.run_tool("--show", "base,label", "--json"))}
        read = {}
        for pid in listed & set(self.tasks):
            with open(f"/proc/{pid}/attr/current", encoding="ascii") as file:
                read[pid] = file.read()
        return {"listed": sorted(listed), "told": sorted(told),
                "labels": {pid: labels.get(pid) for pid in read}, "read": read}

    def compare(self, domain, user):
        who = f"{'user' if user else 'root'}, {domain or 'not confined'}"
        before = processes()
        seen = run_as(lambda: self.enter(domain), user, self.look)
        # Do not compare tasks that began or ended in between.
        there = before & processes()
        listed, told = (set(seen[key]) & there for key in ("listed", "told"))
        self.tap.result(listed == told, f"{who}: the tasks of /proc with hidepid=2",
                        [f"listed alone {listed - told}, reported alone {told - listed}"])
        self.tap.result(seen["labels"] == seen["read"] != {}, f"{who}: their labels",
                        [f"{seen['labels']}, not {seen['read']}"])
        return {self.tasks[pid] for pid in told & set(self.tasks)}

    def start_and_end(self, domain):
        pid = self.start(domain)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        return pid

    def check_events(self):
        with subprocess.Popen([self.tool, "--follow", "--json", "--for", "60"],
                              stdout=subprocess.PIPE, text=True,
                              preexec_fn=lambda: (self.enter(READER), become(USER, USER))) as reader:
            # It prints nothing before it has subscribed.
            while not select.select([reader.stdout], [], [], 0.2)[0]:
                self.start_and_end(SHOWN)
            hidden, shown = self.start_and_end(HIDDEN), self.start_and_end(SHOWN)
            events = []
            for line in reader.stdout:
                event = json.loads(line)
                events.append((event["pid"], event["event"]["type"]))
                if events[-1] == (shown, "exit"):
                    break
            reader.kill()
        self.tap.result({(shown, "comm"), (shown, "exit")} <= set(events),
                        "events: of what may be read", [f"{shown}: {events}"])
        self.tap.result(hidden not in (pid for pid, _ in events),
                        "events: of nothing else", [f"{hidden}: {events}"])

    def run(self):
        self.module.load()
        for domain in (None, *DOMAINS):
            self.tasks[self.start(domain)] = domain
        shown = {}
        for user in (0, USER):
            for domain in (None, *DOMAINS):
                shown[domain, user] = self.compare(domain, user)
        self.tap.result(SHOWN in shown[READER, USER] and HIDDEN not in shown[READER, USER],
                        "a reader is shown one and not the other",
                        [f"{shown[READER, USER]}"])
        self.check_events()
        return self.tap.failed > 0


def main(args):
    if len(args) != 2 or args[0] not in MODULES:
        print(__doc__, file=sys.stderr)
        return 2
    return Test(*args).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
