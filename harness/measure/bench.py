#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The parts of harness/bench that count and report.

usage: bench.py measure TABLE[,TABLE]... TOOLS
       bench.py cpus TOOLS
       bench.py ends LISTENER[,LISTENER]... NUMBER TOOLS
       bench.py steps WHAT TOOLS
       bench.py report DIRECTORY
       bench.py tables DOCUMENT RESULTS.json...
       bench.py gate LIMITS RUN.json...

The first four run in the VM and write $OUT/bench.json: instructions, of a VM with
--icount, and rates, of one with two processors. TOOLS has the directories of the
baselines and of task_diag_all, like $PATH. Report makes tables of the run-*.json in
a directory.
"""
import collections
import glob
import json
import os
import platform
import re
import resource
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import time

DIAG = "task_diag"
# What 'ps aux' shows
PS = "base,cred,times,sched,mem,cmdline"

# Each table: its title, and the ways with their commands. Ratios are to DIAG. A
# command's {pid} is the process of many mappings.
TABLES = {
    "base": ("pid, parents, state and name of every process", {
        "/proc/PID/stat": "task_proc_all",
        "the same through io_uring": "task_uring_all",
        "BPF task iterator": "task_bpf_all",
        "PIDFD_GET_INFO, without the name": "task_proc_all --pidfds",
        DIAG: "task_diag_all --show base",
    }),
    "pids": ("pids of all processes", {
        "readdir of /proc": "task_proc_all --files none",
        DIAG: "task_diag_all --show none",
    }),
    "threads": ("pid, parents, state and name of every thread", {
        "/proc/PID/task/TID/stat": "task_proc_all --threads",
        "BPF task iterator": "task_bpf_all --threads",
        DIAG: "task_diag_all --strategy all-thread",
        "readdir, for tids alone": "task_proc_all --threads --files none",
        DIAG + ", for tids alone": "task_diag_all --strategy all-thread --show none",
    }),
    "ps": ("what ps aux shows: " + PS, {
        "stat, status, statm, cmdline": "task_proc_all --files stat,status,statm,cmdline",
        DIAG: "task_diag_all --show " + PS,
    }),
    "stat": ("struct taskstats of every task", {
        "taskstats, a request per task": "task_stats_all",
        DIAG: "task_diag_all --strategy all-thread --show stat",
        DIAG + ", sums over processes": "task_diag_all --show stat",
    }),
    "vma": ("mappings of all processes", {
        "/proc/PID/maps": "task_proc_all --files maps",
        "PROCMAP_QUERY": "task_proc_all --query-maps",
        DIAG: "task_diag_all --show vma",
    }),
    "mappings": ("the mappings of one process", {
        "/proc/PID/maps": "task_proc_all --pid {pid} --files maps",
        "PROCMAP_QUERY": "task_proc_all --pid {pid} --query-maps",
        DIAG: "task_diag_all --strategy one --pid {pid} --show vma",
    }),
    "files": ("the open files of one process, with paths", {
        "/proc/PID/fd": "task_proc_all --pid {pid} --fds",
        DIAG: "task_diag_all --strategy one --pid {pid} --show files --paths",
    }),
    "sockets": ("the sockets of one process, with inode numbers", {
        "/proc/PID/fd": "task_proc_all --pid {pid} --fds",
        DIAG: "task_diag_all --strategy one --pid {pid} --show files --sockets",
    }),
    "select": ("pid, parents, state and name of some processes among many", {
        "/proc/PID/stat of one": "task_proc_all --pid {pid}",
        DIAG + ", 100 by pid": "task_diag_all --show base --pids {pids100}",
        DIAG + ", 50 by pid": "task_diag_all --show base --pids {pids50}",
        DIAG + ", 50 by cgroup": "task_diag_all --show base --cgroup {cgroup}",
        DIAG: "task_diag_all --show base",
    }),
}
# Of what a figure is, if not of a task
UNITS = {"vma": "mapping", "mappings": "mapping", "files": "file", "sockets": "file"}
# How many tasks at most while system calls are traced, in base: it is slow.
MAX_TRACED = 2000

TRACING = "/sys/kernel/tracing/"
# Numbers of x86-64: fstat() and newfstatat(); read() and recvfrom()
FSTAT = (5, 262)
READ = (0, 45)


# --- in the VM: instructions ------------------------------------------------

def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def bench(command):
    """The best of four runs: the first one fills the caches, and in any of them the
    kernel may have had other work. None if the kernel lacks what the command needs.
    """
    runs = []
    for _ in range(4):
        done = subprocess.run(command + ["--bench"], stdout=subprocess.PIPE, check=False)
        if done.returncode == 3:
            return None
        done.check_returncode()
        runs.append(json.loads(done.stdout))
    return min(runs, key=lambda run: run["ns"])


def trace(command):
    """What a command prints, and its system calls as the events that they are.

    Each event is (time, "enter" or "exit", number, first argument or result).
    """
    def trace_me():
        write(TRACING + "set_event_pid", str(os.getpid()))

    write(TRACING + "trace_clock", "x86-tsc")
    write(TRACING + "buffer_size_kb", "65536")
    write(TRACING + "trace", "")
    write(TRACING + "events/raw_syscalls/enable", "1")
    # pylint: disable-next=subprocess-popen-preexec-fn
    out = subprocess.run(command, stdout=subprocess.PIPE, check=True, preexec_fn=trace_me).stdout
    write(TRACING + "events/raw_syscalls/enable", "0")
    write(TRACING + "set_event_pid", "")
    with open(TRACING + "trace", encoding="ascii", errors="replace") as file:
        events = re.findall(r" (\d+): sys_(enter|exit): NR (\d+) (?:\(|= )(-?\w+)",
                            file.read())
    write(TRACING + "trace", "")
    return out, [(int(when), kind, int(nr), arg) for when, kind, nr, arg in events]


def traced(command):
    """What only tracing shows of a command: its own instructions, and bytes read.

    Its own, not the kernel's, lie between its system calls. So does what tracing
    and the way to the kernel and back take, which is what lies between the
    closest two calls.
    """
    out, events = trace(command + ["--bench"])
    result = json.loads(out)
    # Behind what was measured, the first output asks what kind of file it goes to.
    end = next(i for i, (_, kind, nr, arg) in enumerate(events)
               if kind == "enter" and nr in FSTAT and arg == "1")
    gaps = [after[0] - before[0] for before, after in zip(events, events[1:])
            if before[1] == "exit"]
    measured = events[end - 2 * result["syscalls"]:end]
    calls = list(zip(measured[::2], measured[1::2]))
    kernel = sum(leave[0] - enter[0] for enter, leave in calls)
    return {
        "user_ns": result["ns"] - kernel - len(calls) * min(gaps),
        "bytes": sum(int(leave[3]) for _, leave in calls if leave[2] in READ),
    }


def fork_children():
    """The processes that fork made, beside this one."""
    with open(f"/proc/{os.getppid()}/task/{os.getppid()}/children", encoding="ascii") as file:
        return [pid for pid in file.read().split() if int(pid) != os.getpid()]


def places(pids):
    """What the commands' words in braces stand for: some of all these processes, from
    everywhere among them, and a cgroup that has the first 50."""
    some = pids[::max(1, len(pids) // 100)][:100]
    words = {"pid": pids[0], "pids100": ",".join(some), "pids50": ",".join(some[:50]),
             "cgroup": "/tmp/cgroup/bench"}
    os.mkdir("/tmp/cgroup")
    subprocess.run(["mount", "-t", "cgroup2", "none", "/tmp/cgroup"], check=True)
    os.mkdir(words["cgroup"])
    for pid in some[:50]:
        write(words["cgroup"] + "/cgroup.procs", pid)
    return words


def count_mappings(tools, pid):
    """How many mappings there are, but for a page of the kernel that maps adds."""
    command = [shutil.which("task_proc_all", path=tools), "--files", "maps"]
    out = subprocess.run(command + (["--pid", pid] if pid else []),
                         stdout=subprocess.PIPE, check=True).stdout
    return out.count(b"\n") - out.count(b"[vsyscall]\n")


def measure_table(tools, name):
    """The rows of a table, by way."""
    ways = TABLES[name][1]
    words = {}
    if any("{pid" in text for text in ways.values()):
        words = places(fork_children())
    rows = {}
    for way, text in ways.items():
        tool, *options = text.format(**words).split()
        command = [shutil.which(tool, path=tools), *options]
        # Not all of them can be built everywhere.
        if not command[0]:
            continue
        row = bench(command)
        if not row:
            continue
        rows[way] = row
        if name == "base" and row["tasks"] <= MAX_TRACED:
            row.update(traced(command))
    units = {}
    if UNITS.get(name) == "mapping":
        units["units"] = count_mappings(tools, words.get("pid"))
    elif UNITS.get(name) == "file":
        units["units"] = len(os.listdir(f"/proc/{words['pid']}/fd"))
    return {"rows": rows, **units}


def start_run():
    """What is known of a run before anything is measured."""
    with open("/sys/kernel/security/lsm", encoding="ascii") as modules:
        return {"kernel": platform.release(), "lsm": modules.read()}


def finish_run(run):
    with open(os.path.join(os.environ["OUT"], "bench.json"), "w", encoding="ascii") as file:
        json.dump(run, file)


def measure(names, tools):
    run = start_run()
    run["tables"] = {name: measure_table(tools, name) for name in names.split(",")}
    finish_run(run)


# --- in the VM: rates on two processors -------------------------------------

# Of each measurement; medians count, for others use the host as well.
ROUNDS = 5
RATE_NS = 1_500_000_000
# What 'rate' does on the other processor. The emulator makes even an empty loop
# slow down a neighbour: dumps are to be compared with other work.
OTHERS = ("spin", "zero", "dump")
# Two empty loops do twice what one does, unless the host has other things to do.
MIN_LOOPS = 1.8


def rates(tools, *jobs):
    """How often a second each of the jobs ("WHAT", CPU) is done, all at once."""
    # Time for all of them to get ready
    start = time.monotonic_ns() + 500_000_000
    tool = shutil.which("rate", path=tools)
    running = [subprocess.Popen([tool, "--cpu", str(cpu), "--start", str(start),
                                 "--ns", str(RATE_NS), what], stdout=subprocess.PIPE)
               for what, cpu in jobs]
    results = [json.loads(process.communicate()[0]) for process in running]
    return [result["count"] * 1e9 / result["ns"] for result in results]


def cpus(tools):
    """Forks beside dumps, and dumps beside dumps; in turn, as the host's pace changes."""
    run = start_run()
    values = collections.defaultdict(list)
    for _ in range(ROUNDS):
        values["fork"].append(rates(tools, ("fork", 0))[0])
        for what in OTHERS:
            values[f"fork beside {what}"].append(rates(tools, ("fork", 0), (what, 1))[0])
            for nr in (1, 2, 4):
                jobs = [(what, i % 2) for i in range(nr)]
                values[f"{nr} {what}"].append(sum(rates(tools, *jobs)))
    run["cpus"] = values
    finish_run(run)


# --- processes that end -------------------------------------------------------

LISTENERS = ("none", "task_diag", "task_diag+stat", "task_diag+stat+cmdline", "taskstats",
             "connector", "crowd")
# As many at once as the manual of keepalived says that a receive buffer of the usual
# size does not hold
AT_ONCE = 1400


def ends(names, number, tools):
    """What a fork and an exit cost with each listener, of that many processes, and how
    many ends it loses. All listeners without names.
    """
    def run_tool(*options):
        output = subprocess.run([shutil.which("ends", path=tools), *options], check=True,
                                stdout=subprocess.PIPE).stdout
        return json.loads(output)

    run = start_run()
    run["ends"] = {}
    for name in names.split(",") if names else LISTENERS:
        # The best, as in bench()
        alone = min((run_tool("--listener", name, "--number", number) for _ in range(3)),
                    key=lambda row: row["ns"])
        at_once = run_tool("--listener", name, "--number", str(AT_ONCE), "--at-once")
        run["ends"][name] = {"ns": alone["ns"], "told": alone["told"],
                             "told_at_once": at_once["told"]}
    finish_run(run)


def print_ends(rows):
    none = rows["none"]["ns"]
    print(f"\nprocesses that end\n{'instructions per process, fork and exit':42}"
          f"{'more':>10}{'rate':>8}{f'lost of {AT_ONCE} at once':>24}")
    for name, row in rows.items():
        print(f"  {name:32}{row['ns']:8.0f}{row['ns'] - none:10.0f}{none / row['ns']:8.1%}"
              + (f"{AT_ONCE - row['told_at_once']:24}" if row["told"] else ""))


# --- steps, and what a socket keeps ---------------------------------------------

# Sockets for each figure
SOCKETS = 2000
# Of linux/netlink.h, linux/genetlink.h and linux/task_diag.h
NETLINK_GENERIC, NLM_F_REQUEST, NLM_F_DUMP = 16, 1, 0x300
GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME = 16, 3, 1, 2
TASK_DIAG_CMD_GET, TASK_DIAG_CMD_SUBSCRIBE = 1, 3
TASK_DIAG_BASE, TASK_DIAG_REQUEST, TASK_DIAG_EVENTS, TASK_DIAG_EVENT_EXIT = 1, 68, 81, 3


def longest_step(command):
    """Instructions of the longest recv(), in which the kernel makes a step of a dump."""
    _, events = trace(command + ["--bench"])
    return max(leave[0] - enter[0] for enter, leave in zip(events, events[1:])
               if enter[1:3] == ("enter", READ[1]) and leave[1:3] == ("exit", READ[1]))


def rcu_section(command, symbol="task_diag_walk_pids"):
    """Instructions of the longest call of the function that is the RCU section of BASE."""
    write(TRACING + "kprobe_events", f"p:begins {symbol}\nr1:ends {symbol}\n")
    write(TRACING + "trace", "")
    write(TRACING + "events/kprobes/enable", "1")
    subprocess.run(command + ["--bench"], stdout=subprocess.DEVNULL, check=True)
    write(TRACING + "events/kprobes/enable", "0")
    with open(TRACING + "trace", encoding="ascii", errors="replace") as file:
        calls = [(int(when), what)
                 for when, what in re.findall(r" (\d+): (begins|ends): ", file.read())]
    write(TRACING + "trace", "")
    write(TRACING + "kprobe_events", "")
    return max(leave[0] - enter[0] for enter, leave in zip(calls, calls[1:])
               if (enter[1], leave[1]) == ("begins", "ends"))


def attribute(number, payload):
    return struct.pack("HH", 4 + len(payload), number) + payload + bytes(-len(payload) % 4)


def netlink(family, command, flags, attributes):
    body = struct.pack("BBH", command, 1, 0) + attributes
    return struct.pack("IHHII", 16 + len(body), family, NLM_F_REQUEST | flags, 1, 0) + body


def generic_socket():
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
    sock.bind((0, 0))
    return sock


def task_diag_family():
    """The number of the family, by CTRL_CMD_GETFAMILY."""
    with generic_socket() as sock:
        sock.sendto(netlink(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0,
                            attribute(CTRL_ATTR_FAMILY_NAME, b"task_diag\0")), (0, 0))
        _, _, number = sock.recv(8192).partition(struct.pack("HH", 6, CTRL_ATTR_FAMILY_ID))
    return struct.unpack("H", number[:2])[0]


def slab_bytes():
    """Bytes in the objects of all slabs."""
    with open("/proc/slabinfo", encoding="ascii") as file:
        rows = [line.split() for line in file.readlines()[2:]]
    return sum(int(row[1]) * int(row[3]) for row in rows)


def kept_by(message):
    """Bytes that a socket keeps after this request, before anything is received."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (2 * SOCKETS, 2 * SOCKETS))
    sockets = [generic_socket() for _ in range(SOCKETS)]
    before = slab_bytes()
    for sock in sockets:
        sock.sendto(message, (0, 0))
    kept = (slab_bytes() - before) / SOCKETS
    for sock in sockets:
        sock.close()
    return kept


def steps(what, tools):
    """The longest step of each group, and with processes what else is kept or held."""
    run = start_run()
    tool = shutil.which("task_diag_all", path=tools)
    header = json.loads(subprocess.run([tool, "--header", "--json"], check=True,
                                       stdout=subprocess.PIPE).stdout)
    run["steps"] = {what: {
        group: longest_step([tool, "--show", group, *(["--paths"] if group == "files" else [])])
        for group in header["show"]}}
    if what == "processes":
        family = task_diag_family()
        request = attribute(TASK_DIAG_REQUEST,
                            struct.pack("QQIIQ", 1 << TASK_DIAG_BASE, 0, 0, 0, 0))
        run["rcu"] = rcu_section([tool, "--show", "base"])
        run["kept"] = {
            "subscription": kept_by(netlink(
                family, TASK_DIAG_CMD_SUBSCRIBE, 0,
                request + attribute(TASK_DIAG_EVENTS,
                                    struct.pack("I", 1 << TASK_DIAG_EVENT_EXIT)))),
            "dump": kept_by(netlink(family, TASK_DIAG_CMD_GET, NLM_F_DUMP, request))}
    finish_run(run)


def print_steps(run):
    for what, groups in run["steps"].items():
        print(f"\n10000 {what}: instructions of the longest recv()")
        for group, took in sorted(groups.items(), key=lambda item: -item[1]):
            print(f"  {group:32}{took:9}")
    if "rcu" in run:
        print(f"\nthe longest RCU section: {run['rcu']} instructions")
        print("".join(f"bytes kept by a {what}: {size:.0f}\n"
                      for what, size in run["kept"].items()), end="")


# --- on the host ------------------------------------------------------------

def read_runs(directory):
    runs = []
    for path in glob.glob(os.path.join(directory, "run-*.json")):
        with open(path, encoding="ascii") as file:
            runs.append(json.load(file))
    return runs


def size(table):
    """How many tasks a table is about."""
    return table["rows"][DIAG]["tasks"]


def per_unit(table, way):
    """Instructions per task, or what else the table counts."""
    row = table["rows"][way]
    return row["ns"] / table.get("units", row["tasks"])


def print_table(name, tables):
    """A table with a column for each size."""
    unit = UNITS.get(name, "task")
    print(f"\n{TABLES[name][0]}")
    print(f"{'instructions per ' + unit:34}"
          + "".join(f"{size(table):>9}" for table in tables)
          + f"{'times':>8}{'system calls':>14}{'in user space':>15}{'bytes read':>12}")
    last = tables[-1]
    for way in last["rows"]:
        row = last["rows"][way]
        detail = next((table["rows"][way] for table in reversed(tables)
                       if "user_ns" in table["rows"][way]), None)
        print(f"  {way:32}"
              + "".join(f"{per_unit(table, way):9.0f}" for table in tables)
              + f"{per_unit(last, way) / per_unit(last, DIAG):8.1f}{row['syscalls']:14}"
              + (f"{detail['user_ns'] / detail['ns']:15.1%}"
                 if detail else "")
              + (f"{detail['bytes'] / detail['tasks']:12.1f}"
                 if detail and detail["bytes"] else ""))
    costs = [per_unit(table, DIAG) for table in tables]
    if len(costs) > 1:
        print(f"  {DIAG}: from size to size the cost differs by "
              f"{max(costs) / min(costs) - 1:.1%} at most")


def median_ratio(values, others):
    """What was measured in the same round belongs together."""
    return statistics.median(value / other for value, other in zip(values, others))


def print_cpus(values):
    print(f"\ntwo processors, 10000 processes\n{'how often a second':34}{'':9}{'of it alone':>13}"
          + "".join(f"{'beside ' + what:>13}" for what in OTHERS[:-1]))
    for name in ["fork"] + [f"fork beside {what}" for what in OTHERS]:
        print(f"  {name:32}{statistics.median(values[name]):9.0f}"
              f"{median_ratio(values[name], values['fork']):13.1%}"
              + "".join(f"{median_ratio(values[name], values['fork beside ' + what]):13.1%}"
                        for what in OTHERS[:-1]))
    print(f"\n{'how often a second, n at once':34}{'n=1':>9}{'n=2':>9}{'n=4':>9}"
          f"{'2 to 1':>9}{'4 to 1':>9}")
    for what in OTHERS:
        rate = [values[f"{nr} {what}"] for nr in (1, 2, 4)]
        print(f"  {what:32}" + "".join(f"{statistics.median(value):9.0f}" for value in rate)
              + "".join(f"{median_ratio(value, rate[0]):9.2f}" for value in rate[1:]))
    loops = median_ratio(values["2 spin"], values["1 spin"])
    if loops < MIN_LOOPS:
        print(f"Two empty loops did {loops:.2f} times what one does: the host was busy, "
              "and these rates say little.")


def write_chart(directory, runs):
    """Sizes and milliseconds of each way: processes first, then threads."""
    points = {}
    for run in runs:
        tables = run.get("tables", {})
        for name in ("threads", "base", "pids"):
            if name in tables:
                points.setdefault(size(tables[name]), {}).update(
                    {(name, way): row["ns"] / 1e6 for way, row in tables[name]["rows"].items()})
    lines = [
        [("base", "/proc/PID/stat"), ("threads", "/proc/PID/task/TID/stat")],
        [("base", "the same through io_uring")],
        [("base", "BPF task iterator"), ("threads", "BPF task iterator")],
        [("base", DIAG), ("threads", DIAG)],
        [("pids", "readdir of /proc"), ("threads", "readdir, for tids alone")],
        [("pids", DIAG), ("threads", DIAG + ", for tids alone")],
    ]
    with open(os.path.join(directory, "tasks.dat"), "w", encoding="ascii") as file:
        for tasks, values in sorted(points.items()):
            row = [next((values[key] for key in keys if key in values), "?") for keys in lines]
            print(tasks, *row, file=file)


def report(directory):
    """Prints the tables; writes results.json and what gnuplot reads."""
    runs = read_runs(directory)
    groups = collections.defaultdict(list)
    for run in runs:
        groups[run["kernel"], run["lsm"]].append(run)
    # The most complete one first: the chart is about it.
    ordered = sorted(groups.items(), key=lambda group: -len(group[1]))
    for (kernel, lsm), group in ordered:
        print(f"\nLinux {kernel}, security modules: {lsm}")
        for name in TABLES:
            tables = [run["tables"][name] for run in group if name in run.get("tables", {})]
            if tables:
                print_table(name, sorted(tables, key=size))
        for run in group:
            if "cpus" in run:
                print_cpus(run["cpus"])
            if "ends" in run:
                print_ends(run["ends"])
            if "steps" in run:
                print_steps(run)
    with open(os.path.join(directory, "results.json"), "w", encoding="ascii") as file:
        json.dump(runs, file, indent=1)
        file.write("\n")
    write_chart(directory, ordered[0][1])


# The lines of the document's table: what is read, and which table of which size has it
LINES = (
    ("pid, parents, state, name", "base", 30108),
    ("pids alone", "pids", 30108),
    ("every thread", "threads", 30108),
    ("500,000 threads, 1,000 of each process", "threads", 500000),
    ("what `ps aux` shows", "ps", 30108),
    ("`struct taskstats`", "stat", 30108),
    ("mappings", "vma", 30108),
    ("10,000 mappings of one process", "mappings", 0),
    ("10,000 open files of one process, with paths", "files", 0),
    ("10,000 sockets of one process", "sockets", 0),
)
BEGIN = "<!-- Generated by harness/bench --tables -->\n"
END = "<!-- End of what is generated -->\n"


class Results:
    """What harness/bench measured on one kernel under the usual security modules."""

    def __init__(self, path):
        with open(path, encoding="ascii") as file:
            self.runs = json.load(file)
        self.kernel = self.runs[0]["kernel"].split("-")[0]

    def table(self, name, tasks):
        """The table of that name whose number of tasks is next to this one, if any is near."""
        found = [run["tables"][name] for run in self.runs
                 if name in run.get("tables", {}) and "yama" in run["lsm"]]
        return min((table for table in found if size(table) > tasks / 2),
                   key=lambda table: abs(size(table) - tasks), default=None)

    def cells(self, name, tasks, way):
        """What task_diag takes, another way, and the ratio."""
        table = self.table(name, tasks)
        if not table or way not in table["rows"]:
            return ["", "", ""]
        mine, other = per_unit(table, DIAG), per_unit(table, way)
        return [f"{mine:,.0f}", f"{other:,.0f}", f"{other / mine:.1f}"]

    def ends(self):
        return next((run["ends"] for run in self.runs if "ends" in run), {})

    def steps(self):
        """For each group the longest step, and of what it is."""
        longest = {}
        for run in self.runs:
            for what, groups in run.get("steps", {}).items():
                for group, took in groups.items():
                    longest[group] = max(longest.get(group, (0, "")), (took, what))
        return longest

    def held(self):
        """The longest RCU section, and what a dump and a subscription keep."""
        run = next((run for run in self.runs if "rcu" in run), None)
        return [run["rcu"], run["kept"]["dump"], run["kept"]["subscription"]] if run else [None] * 3


def markdown(head, lines):
    as_line = "| {} |\n".format
    rule = ["---"] + ["--:" if "instructions" in cell or "times" in cell or "lost" in cell
                      else "---" for cell in head[1:]]
    return "".join(as_line(" | ".join(cells)) for cells in [head, rule, *lines])


def tables_text(all_results):
    """The tables of several kernels side by side."""
    head, lines = ["What", "compared with"], []
    for results in all_results:
        head += [f"{results.kernel}: task_diag, instructions", "instructions of that", "times"]
    for what, name, tasks in LINES:
        for way in TABLES[name][1]:
            # Tids alone have a row of task_diag's of their own.
            if way.startswith(DIAG) or "alone" in way and name == "threads":
                continue
            cells = [results.cells(name, tasks, way) for results in all_results]
            if any(cell[0] for cell in cells):
                lines.append([what, way, *sum(cells, [])])
                what = ""
    text = markdown(head, lines)

    head, lines = ["Listener"], []
    for results in all_results:
        head += [f"{results.kernel}: instructions", f"lost of {AT_ONCE:,}"]
    for name in LISTENERS:
        cells = []
        for results in all_results:
            row = results.ends().get(name)
            cells += [f"{row['ns']:,.0f}" if row else "",
                      f"{AT_ONCE - row['told_at_once']:,}" if row and row["told"] else ""]
        if any(cells):
            lines.append([name, *cells])
    if lines:
        text += ("\nA fork, an exit and a wait, and a listener that receives the end of each "
                 "process.\nIn the row crowd, a user who sees none of these processes has 1,000 "
                 "subscriptions.\nThe other column: of 1,400 processes that end at once, how many ends "
                 "the listener did not get.\n\n" + markdown(head, lines))

    head, lines = ["Group"], []
    for results in all_results:
        head += [f"{results.kernel}: instructions", "of"]
    longest = [results.steps() for results in all_results]
    for group in sorted({group for one in longest for group in one},
                        key=lambda group: -max(one.get(group, (0, ""))[0] for one in longest)):
        cells = []
        for one in longest:
            took, what = one.get(group, (None, ""))
            cells += [f"{took:,}" if took else "", what]
        lines.append([group, *cells])
    if lines:
        text += ("\nThe longest step of a dump, which is what one `recv()` takes, with 10,000 "
                 "processes,\nor one process of 10,000 threads, mappings or open files. Within a "
                 "step a filler\nholds no lock of the task longer than that; it drops the mmap lock when "
                 "somebody\nwaits for it.\n\n" + markdown(head, lines))
    for results in all_results:
        rcu, dump, subscription = results.held()
        if rcu:
            text += (f"\n{results.kernel}: the longest RCU section of a walk takes {rcu:,} "
                     f"instructions. A dump that nobody\nreads keeps {dump:,.0f} bytes, its first "
                     f"datagram among them, and a subscription {subscription:,.0f}.\n")
    return text


def tables(path, *results):
    """Puts the tables where the document has those of an earlier run."""
    with open(path, encoding="utf-8") as file:
        before, _, rest = file.read().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        sys.exit(f"bench: {path} has no place for the tables")
    text = tables_text([Results(name) for name in results])
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{before}{BEGIN}\n{text}\n{END}{after}")


def gated(run):
    """What a run says of each table and way: of task_diag instructions per task, of others
    how many times those. Of ends, how much of the rate alone a listener leaves.
    """
    for name, table in run.get("tables", {}).items():
        mine = per_unit(table, DIAG)
        for way in table["rows"]:
            yield (name, way), mine if way == DIAG else per_unit(table, way) / mine
    for way, row in run.get("ends", {}).items():
        yield ("ends", way), run["ends"]["none"]["ns"] / row["ns"]


def gate(limits, *paths):
    """Compares runs with what they took before; deterministic, so 10 % are much."""
    values = {}
    for path in paths:
        with open(path, encoding="ascii") as file:
            values.update(gated(json.load(file)))
    failed = False
    with open(limits, encoding="ascii") as file:
        lines = [line.split(maxsplit=1) for line in file if line.strip() and line[0] != "#"]
    for table, text in lines:
        way, text = text.rsplit(maxsplit=1)
        limit, value = float(text), values[table, way]
        if way == DIAG:
            good = value <= limit * 1.1
            what = f"{value:.0f} instructions, {limit:.0f} when last written down"
        else:
            # The listener's own cost is the difference from 1.
            good = value >= limit / (1.03 if table == "ends" else 1.1)
            what = (f"{value:.2f} times {'the rate alone' if table == 'ends' else 'task_diag'}, "
                    f"{limit:.2f} when last written down")
        print(f"{'ok' if good else 'not ok'} - bench: {table}: {way}: {what}")
        failed = failed or not good
    sys.exit(failed)


COMMANDS = {"measure": (measure, 2), "cpus": (cpus, 1), "ends": (ends, 3),
            "steps": (steps, 2),
            "report": (report, 1), "tables": (tables, 3), "gate": (gate, 3)}


def main():
    if len(sys.argv) > 1 and sys.argv[1] in COMMANDS:
        function, nr = COMMANDS[sys.argv[1]]
        if len(sys.argv) == 2 + nr:
            function(*sys.argv[2:])
            return
    print(__doc__, file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()
