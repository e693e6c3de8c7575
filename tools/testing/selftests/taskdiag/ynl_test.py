#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What YNL's cli.py makes of the netlink spec and of this kernel's answers.

Every group of a task that rests is asked for over cli.py, and compared with
what task_diag_all prints of it, or with procfs.
"""
import contextlib
import ctypes
import io
import json
import mmap
import os
import runpy
import signal
import socket
import struct
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, "../kselftest"))
import ksft  # noqa: E402

KERNEL = os.path.join(HERE, "../../../..")
TIMES = 10      # to look at what may change

LONG = 60000    # more than fits in a message, twice
ARGS = ["sleep", "1000", b"\xff\n", ""]
ENVIRON = {b"A": b"\xfe" * LONG, b"B": LONG * b"b"}
GROUPS = [10003, 10004]
USER = 10005
READS = 1000


def find(*names):
    """Where a file is: installed here, or in the kernel's source."""
    for name in names:
        if os.path.exists(os.path.join(HERE, name)):
            return os.path.join(HERE, name)
    return None


CLI = find(*(os.path.join(ynl, name)
             for ynl in ("ynl", os.path.join(KERNEL, "tools/net/ynl"))
             for name in ("pyynl/cli.py", "cli.py")))


def spec(name):
    return find(name, os.path.join(KERNEL, "Documentation/netlink/specs", name))


def cli(*args, family="task_diag.yaml"):
    """What cli.py prints. It is run in this process, as the spec takes a while
    to read. harness/check looks at its schema."""
    out = io.StringIO()
    sys.path[0] = os.path.dirname(CLI)
    sys.argv = [CLI, "--spec", spec(family), "--no-schema", "--output-json", *args]
    with contextlib.redirect_stdout(out):
        try:
            runpy.run_path(CLI, run_name="__main__")
        except SystemExit as end:
            raise RuntimeError(out.getvalue()) from end
    return json.loads(out.getvalue())


def dashed(values):
    return {name.replace("_", "-"): value for name, value in values.items()}


def get(how, select=None, **req):
    """@select is of the attributes that stand next to the request."""
    return cli(how, "get", "--json",
               json.dumps({"request": dashed(req), **dashed(select or {})}))


def tool(*args):
    out = subprocess.run(["./task_diag_all", *args], cwd=HERE, check=True,
                         stdout=subprocess.PIPE).stdout
    return json.loads(out.decode(errors="surrogateescape"))


# --- the tasks that are asked about


@contextlib.contextmanager
def child(run):
    """A process that ran @run and then stopped."""
    pid = os.fork()
    if not pid:
        try:
            run()
            os.kill(os.getpid(), signal.SIGSTOP)
        finally:
            os._exit(1)
    try:
        os.waitpid(pid, os.WUNTRACED)
        yield pid
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def resting():
    """A program with arguments, variables and groups, that was stopped."""
    if os.geteuid() == 0:
        os.setgroups(GROUPS)
    script = 'kill -STOP $$'
    os.execve("/bin/sh", ["sh", "-c", script, *ARGS], ENVIRON)


def another_user():
    """One with a socket, a pipe and a directory, if it may be of another user"""
    pair = socket.socketpair()
    ends = os.pipe()
    home = os.open("/", os.O_RDONLY)
    # They must outlive this function.
    another_user.files = pair, ends, home
    if os.geteuid() == 0:
        os.setresuid(USER, USER, USER)


def parent_of_a_reader():
    """The reads of a child that it waited for are its process's, not its thread's."""
    pid = os.fork()
    if not pid:
        with open("/dev/zero", "rb", buffering=0) as zeroes:
            for _ in range(READS):
                zeroes.read(1)
        os._exit(0)
    os.waitpid(pid, 0)


def untouched_arguments():
    """Arguments in a page that is not in memory: nobody has it read in."""
    set_mm, arg_start, arg_end = 35, 8, 9
    libc = ctypes.CDLL(None, use_errno=True)
    there = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    # It must outlive this function.
    untouched_arguments.there = there
    addr = ctypes.addressof(ctypes.c_char.from_buffer(there))
    for field, value in ((arg_end, addr + 8), (arg_start, addr), (arg_end, addr + 8)):
        libc.prctl(set_mm, field, ctypes.c_ulong(value), 0, 0)


# --- one form for both


def text(data):
    return data.decode(errors="surrogateescape")


def name_of(data):
    return text(data.rstrip(b"\0"))


def strings(data):
    return [text(s) for s in data.split(b"\0")[:-1]]


def joined(parts):
    return b"".join(bytes.fromhex(part) for part in parts)


def members(name):
    """Those of a struct that the spec names"""
    for definition in SPEC["definitions"]:
        if definition["name"] == name:
            return [member for member in definition["members"] if member["name"] != "rest"]
    raise KeyError(name)


def rest(kind, part):
    """What follows a struct in its payload: by an offset from its start."""
    known = sum(member.get("len") or int(member["type"][1:]) // 8
                for member in members("task-diag-" + kind))
    data = bytes.fromhex(part.pop("rest"))
    return lambda at, length=None: data[at - known:][:length]


SAME_NAME = 16      # of the flags of a mapping: it has the name of the one before


def records(kind, parts, tail):
    """Structs, each with a part of a name, whose parts are joined."""
    out = []
    for part in parts:
        data = rest(kind, part)(part.pop(tail + "-at"))
        offset, length = part.pop(tail + "-off"), part.pop(tail + "-len")
        if offset:
            assert offset == len(out[-1][tail]), part
            out[-1][tail] += data
        else:
            out.append({**fields(part), tail: data, "length": length})
            if kind == "vma" and out[-1]["flags"] & SAME_NAME:
                out[-1]["flags"] -= SAME_NAME
                out[-1].update({tail: out[-2][tail], "length": len(out[-2][tail])})
    for record in out:
        assert len(record[tail]) == record.pop("length"), record
        record[tail] = text(record[tail])
    return out


BYTES = {"comm", "ac-comm"}


def fields(values):
    """A struct without its padding, which is zero."""
    out = {}
    for name, value in values.items():
        if name.startswith("hole-") or name in ("pad", "pad2", "ac-pad"):
            assert int(str(value), 16) == 0, name
        elif name == "kinds" and not value:
            continue    # The payload ends before it.
        elif name in BYTES:
            out[name.replace("-", "_")] = name_of(bytes.fromhex(value))
        else:
            out[name.replace("-", "_")] = value
    return out


def namespaces(parts):
    """The tool gives them names; their numbers are enough."""
    return [{"dev": ns["dev"], "ino": ns["ino"]} for ns in map(fields, parts)]


def mapping(part):
    """Counters and letters, by the offsets that the struct gives."""
    data = rest("vma-stat", part)
    pages, letters = (data(part.pop(name + "-at"), part.pop(name + "-len"))
                      for name in ("pages", "vm-flags"))
    names = [member["name"].replace("-", "_") for member in members("task-diag-mem-rollup")]
    return {**fields(part), "vm_flags": text(letters),
            **dict(zip(names, struct.unpack_from(f"={len(names)}Q", pages)))}


def masks(part):
    """Of processors and of memory nodes, as numbers"""
    data = rest("affinity", part)
    out = []
    for name in ("cpus", "mems"):
        words = struct.unpack_from(f"={(part[name] + 31) // 32}I", data(part[name + "-at"]))
        out.append(sum(word << 32 * i for i, word in enumerate(words)))
    return out


DECODE = {
    "vma": lambda v: records("vma", v, "name"),
    "vma-stat": lambda v: [mapping(part) for part in v],
    "cgroup": lambda v: records("cgroup", v, "path")[0],
    "cmdline": lambda v: strings(joined(v)),
    "environ": lambda v: strings(joined(v)),
    "name": lambda v: text(joined(v)),
    "exe": lambda v: text(joined(v)),
    "groups": lambda v: sum(v, []),
    "ns": namespaces,
    "nspid": lambda v: [fields(part) for part in v],
    "limits": lambda v: [{name: part[name] for name in ("soft", "hard")} for part in v],
    "files": lambda v: records("file", v, "path"),
    "label": lambda v: text(joined(v)),
    "cwd": lambda v: text(joined(v)),
    "root": lambda v: text(joined(v)),
    "wchan": lambda v: text(bytes.fromhex(v)),
    "autogroup": lambda v: "/autogroup-{id} nice {nice}\n".format(**fields(v)),
    "affinity": masks,
}


def decoded(messages):
    """A task of the answer in the form of task_diag_all's."""
    task = {}
    for nr, message in enumerate(messages):
        more = nr < len(messages) - 1
        assert message.pop("more", False) == more, f"more in message {nr}"
        pid = message.pop("pid")
        assert task.setdefault("pid", pid) == pid, message
        for name, value in message.items():
            if isinstance(value, list):
                task.setdefault(name, []).extend(value)
            else:
                assert name not in task, name
                task[name] = value
    return {name.replace("-", "_"):
            value if name == "pid" else DECODE.get(name, fields)(value)
            for name, value in task.items()}


def number(value, like):
    """What the tool prints in its own way, as a number."""
    if isinstance(like, int) and isinstance(value, str):
        if len(value) == 1:
            return ord(value)
        if value == "unlimited":
            return 2 ** 64 - 1
        if value[3:] in ("p", "s"):
            flags = sum(1 << i for i, c in enumerate("rwx") if value[i] == c)
            return flags | 8 * (value[3] == "s")
        return int(value, 16)
    return value


def pages(values):
    """The tool shares pages of libraries while it looks: how many tasks have a
    page is another matter each time, what pages there are is not."""
    values = dict(values)
    for kind in ("clean", "dirty", "hugetlb"):
        values[kind] = values.pop("shared_" + kind) + values.pop("private_" + kind)
    for name in [name for name in values if "pss" in name]:
        assert 0 <= values.pop(name) <= values["rss"] + values["swap"], name
    return values


def difference(ours, before, after, where=""):
    """Says where ours is none of the two, nor between them."""
    if isinstance(ours, dict) and "pss" in ours:
        ours, before, after = pages(ours), pages(before), pages(after)
    if isinstance(ours, dict):
        lacks = set(before) - set(ours) - {"name"}
        if set(ours) - set(before) or (lacks and where != ""):
            return f"{where}: {sorted(ours)}, not {sorted(before)}"
        for key in ours:
            found = difference(ours[key], before[key], after[key], f"{where}.{key}")
            if found:
                return found
        return ""
    if isinstance(ours, list):
        if not len(ours) == len(before) == len(after):
            return f"{where}: {len(ours)} elements, not {len(before)}"
        for i, value in enumerate(ours):
            found = difference(value, before[i], after[i], f"{where}[{i}]")
            if found:
                return found
        return ""
    low, high = number(before, ours), number(after, ours)
    if "btime" in where:    # now less the age, each in whole seconds
        low, high = low - 1, high + 1
    if ours in (low, high) or (isinstance(ours, int) and low <= ours <= high):
        return ""
    return f"{where}: {ours!r:.60}, not {before!r:.60}"


def mask(names):
    return sum(1 << bit for bit in names)


# --- procfs

# The groups that are compared with it, by their numbers
IN_PROCFS = set(range(24, 32))


def read(pid, name):
    with open(f"/proc/{pid}/{name}", "rb") as file:
        return text(file.read())


def label_of(pid):
    """Reading it fails if no module has labels."""
    try:
        return read(pid, "attr/current")
    except OSError:
        return ""


def status_mask(pid, name):
    for line in read(pid, "status").splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1].replace(",", ""), 16)
    return 0


def files_of(pid):
    """Its open files, as far as procfs tells"""
    files = []
    for fd in sorted(map(int, os.listdir(f"/proc/{pid}/fd"))):
        info = dict(line.split(":", 1) for line in read(pid, f"fdinfo/{fd}").splitlines())
        files.append({"fd": fd, "path": os.readlink(f"/proc/{pid}/fd/{fd}"),
                      "flags": int(info["flags"], 8),
                      **{name: int(info[name]) for name in ("pos", "mnt_id", "ino")}})
    return files


def like(wanted, files):
    """Of open files only the fields that procfs has"""
    return [{name: file[name] for name in wanted[0]} for file in files]


# --- the tests

# The groups that this kernel has, by their numbers
SHOWN = {}


def attributes():
    """The names of the spec's, by their numbers"""
    nr = 0
    for attr in SPEC["attribute-sets"][0]["attributes"]:
        nr = attr.get("value", nr + 1)
        yield nr, attr["name"]


def header_is_decoded():
    ours = cli("--do", "header")
    head = fields(ours["header"])
    # The tool names the groups in the order of their numbers.
    groups = [bit for bit in range(64) if head["show_flags"] >> bit & 1]
    SHOWN.update(zip(groups, HEADER["show"], strict=True))
    assert head["page_size"] == HEADER["page_size"]
    assert head["clk_tck"] == HEADER["clk_tck"]
    assert head["dump_strategies"] == mask(range(len(HEADER["strategy"])))
    assert head["flags"] == mask(range(len(HEADER["flag"])))


def same_as_tool(how, pid, show, *options):
    shown = [name for bit, name in SHOWN.items() if show >> bit & 1]
    args = ("--pid", str(pid), "--show", ",".join(shown), "--json", *options)
    for _ in range(TIMES):
        (before,) = tool(*args)
        messages = get(how, show_flags=show, dump_strategy=1, pid=pid)
        (after,) = tool(*args)
        ours = decoded(messages if how == "--dump" else [messages])
        found = difference(ours, before, after)
        assert set(ours) == set(before) == set(shown) | {"pid"}, \
            f"{sorted(ours)}, not {sorted(before)}"
        if not found:
            return ours
    raise AssertionError(found)


def every_group_of_a_dump():
    with child(resting) as pid:
        ours = same_as_tool("--dump", pid, mask(set(SHOWN) - IN_PROCFS), "--strategy", "one")
    assert ours["base"]["comm"] == "sh", ours["base"]
    assert ours["cmdline"][3:] == [a if isinstance(a, str) else text(a) for a in ARGS]
    assert ours["environ"] == [text(k + b"=" + v) for k, v in ENVIRON.items()]
    assert os.geteuid() or ours["groups"] == GROUPS, ours["groups"]
    assert any(vma["name"] == "[stack]" for vma in ours["vma"])


def every_group_of_a_plain_request():
    too_long = {"vma", "vma_stat", "mem_rollup", "environ"}
    show = mask(bit for bit, name in SHOWN.items()
                if name not in too_long and bit not in IN_PROCFS)
    with child(resting) as pid:
        same_as_tool("--do", pid, show, "--plain")


def an_error_is_decoded():
    with child(untouched_arguments) as pid:
        (message,) = get("--dump", show_flags=1 << 6, dump_strategy=1, pid=pid)
    assert "cmdline" not in message, message
    assert message["error"] == [{"attr": 6, "error": -14}], message


def all_tasks():
    def pids():
        return {int(pid) for pid in os.listdir("/proc") if pid.isdigit()}

    for _ in range(TIMES):
        before = pids()
        seen = [message["pid"] for message in get("--dump", show_flags=2)]
        stayed = before & pids()
        assert len(seen) == len(set(seen)), "one twice"
        if stayed <= set(seen):
            return
    raise AssertionError(f"lacks {stayed - set(seen)}")


def a_refusal_has_its_text():
    try:
        get("--dump", flags=1 << 31)
    except RuntimeError as refusal:
        assert "flags has unknown bits 0x80000000" in str(refusal), refusal
    else:
        raise AssertionError("no refusal")


def unlike_procfs(pid):
    """Which of these groups differs, and how"""
    groups = {nr: name for nr, name in attributes() if nr in IN_PROCFS & set(SHOWN)}
    ours = decoded(get("--dump", show_flags=mask(groups), dump_strategy=1, pid=pid))
    there = {
        "files": [{**file, "path": ""} for file in files_of(pid)],
        "label": label_of(pid),
        "cwd": os.readlink(f"/proc/{pid}/cwd"),
        "root": os.readlink(f"/proc/{pid}/root"),
        "wchan": read(pid, "wchan"),
        "autogroup": read(pid, "autogroup") if "autogroup" in groups.values() else "",
        "ioprio": {"ioprio": 0},    # as it was never set
        "affinity": [status_mask(pid, name) for name in ("Cpus_allowed", "Mems_allowed")],
    }
    ours["files"] = like(there["files"], ours["files"])
    for name in groups.values():
        if ours.get(name, "") != there[name]:
            return f"{name}: {ours.get(name)!r}, not {there[name]!r}"
    return ""


def groups_as_in_procfs():
    with child(resting) as pid:
        for _ in range(TIMES):
            wrong = unlike_procfs(pid)
            if not wrong:
                return
    raise AssertionError(wrong)


def a_selection_with_open_files():
    show = 1 << 1 | 1 << 21 | 1 << 24
    with child(another_user) as pid, child(resting) as other:
        pids = struct.pack("=3I", other, 2 ** 31 - 1, pid).hex()
        both = get("--dump", {"select_pids": pids}, show_flags=show)
        chosen = get("--dump", {"select_pids": pids, "select_uid": USER,
                                "select_states": "RT", "select_kthreads": 0},
                     show_flags=show, flags=8 | 16)
        wanted = files_of(pid)
    # Each may come in parts.
    assert list(dict.fromkeys(message["pid"] for message in both)) == [other, pid], both
    if os.geteuid():
        assert not chosen, chosen
        return
    ours = decoded(chosen)
    assert ours["pid"] == pid, ours
    assert like(wanted, ours["files"]) == wanted, (ours, wanted)
    kinds = [file["kind"] for file in ours["files"]]
    for kind in ("socket", "pipe", "dir"):
        assert KINDS.index(kind) in kinds, (kind, ours)
    counts = struct.pack(f"={len(KINDS)}I", *map(kinds.count, range(len(KINDS))))
    assert ours["fd"]["kinds"] == counts.hex(), ours


def threads_with_the_sums_of_their_process():
    show = 1 << 7 | 1 << 12
    with child(parent_of_a_reader) as pid:
        (thread,) = get("--dump", show_flags=show, dump_strategy=4, pid=pid, flags=32)
        (process,) = get("--dump", show_flags=show, dump_strategy=1, pid=pid)
    assert thread["process"] == [{name: process[name]} for name in ("times", "io")], \
        (thread, process)
    assert thread["io"]["syscr"] + READS <= process["io"]["syscr"], (thread, process)


# What the kernel calls the types that have another name in specs
POLICY_TYPES = {"string": "nul-string"}


def policy_is_the_specs():
    """The kernel takes of each command what the spec says."""
    answer = cli("--dump", "getpolicy", "--json", '{"family-name": "task_diag"}',
                 family="nlctrl.yaml")
    ops = [message["op-policy"] for message in answer if "op-policy" in message]
    rules = [message["policy"] for message in answer if "policy" in message]
    modes = {op.pop("op-id"): op for op in ops}
    assert set(modes[1]) == {"do", "dump"} and set(modes[2]) == {"do"}, ops
    (of_get,) = (op for op in SPEC["operations"]["list"] if op["name"] == "get")
    types = {attr["name"]: attr["type"] for attr in SPEC["attribute-sets"][0]["attributes"]}
    for mode in ("do", "dump"):
        allowed = set(of_get[mode]["request"]["attributes"])
        wanted = [(nr, POLICY_TYPES.get(types[name], types[name]))
                  for nr, name in attributes() if name in allowed]
        assert wanted == [(rule["attr-id"], rule["type"]) for rule in rules
                          if rule["policy-id"] == modes[1][mode]], answer
    assert modes[2]["do"] not in {rule["policy-id"] for rule in rules}, answer


TESTS = [header_is_decoded, every_group_of_a_dump, every_group_of_a_plain_request,
         groups_as_in_procfs, an_error_is_decoded, all_tasks, a_selection_with_open_files,
         threads_with_the_sums_of_their_process, a_refusal_has_its_text,
         policy_is_the_specs]


def skip_all(why):
    print(f"1..0 # SKIP {why}")
    sys.exit(ksft.KSFT_SKIP)


def run(test):
    what = test.__name__.replace("_", " ")
    try:
        test()
    except Exception as wrong:
        ksft.print_msg(f"{type(wrong).__name__}: {wrong}".replace("\n", " ")[:600])
        ksft.test_result_fail(what)
    else:
        ksft.test_result_pass(what)


ksft.print_header()
try:
    import yaml
except ImportError:
    skip_all("python3-yaml is not there")
if CLI is None or spec("task_diag.yaml") is None:
    skip_all("tools/net/ynl or the spec is not there")
if not os.access(os.path.join(HERE, "task_diag_all"), os.X_OK):
    skip_all("task_diag_all is not there")
if yaml.__with_libyaml__:
    yaml.safe_load = lambda stream: yaml.load(stream, yaml.CSafeLoader)
with open(spec("task_diag.yaml"), encoding="utf-8") as its:
    SPEC = yaml.safe_load(its)
(KINDS,) = ([entry["name"] for entry in definition["entries"]]
            for definition in SPEC["definitions"] if definition["name"] == "file-kind")
try:
    HEADER = tool("--header", "--json")
except subprocess.CalledProcessError:
    skip_all("this kernel has no task_diag")
ksft.set_plan(len(TESTS))
for one in TESTS:
    run(one)
ksft.finished()
