#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What YNL's cli.py makes of the netlink spec and of this kernel's answers.

Every group of a task that rests is asked for over cli.py, and compared with
what task_diag_all prints of it.
"""
import contextlib
import ctypes
import io
import json
import mmap
import os
import runpy
import signal
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


def get(how, **req):
    return cli(how, "get", "--json",
               json.dumps({"request": {k.replace("_", "-"): v for k, v in req.items()}}))


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
            if out[-1].get("flags", 0) & SAME_NAME:
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


# --- the tests

# The groups that this kernel has, by their numbers
SHOWN = {}


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
    names = [name for bit, name in SHOWN.items() if show >> bit & 1]
    args = ("--pid", str(pid), "--show", ",".join(names), "--json", *options)
    for _ in range(TIMES):
        (before,) = tool(*args)
        messages = get(how, show_flags=show, dump_strategy=1, pid=pid)
        (after,) = tool(*args)
        ours = decoded(messages if how == "--dump" else [messages])
        found = difference(ours, before, after)
        assert set(ours) == set(before) == set(names) | {"pid"}, \
            f"{sorted(ours)}, not {sorted(before)}"
        if not found:
            return ours
    raise AssertionError(found)


def every_group_of_a_dump():
    with child(resting) as pid:
        ours = same_as_tool("--dump", pid, mask(SHOWN), "--strategy", "one")
    assert ours["base"]["comm"] == "sh", ours["base"]
    assert ours["cmdline"][3:] == [a if isinstance(a, str) else text(a) for a in ARGS]
    assert ours["environ"] == [text(k + b"=" + v) for k, v in ENVIRON.items()]
    assert os.geteuid() or ours["groups"] == GROUPS, ours["groups"]
    assert any(vma["name"] == "[stack]" for vma in ours["vma"])


def every_group_of_a_plain_request():
    too_long = {"vma", "vma_stat", "mem_rollup", "environ"}
    show = mask(bit for bit, name in SHOWN.items() if name not in too_long)
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


def policy_is_the_specs():
    """The kernel takes of each command what the spec says."""
    answer = cli("--dump", "getpolicy", "--json", '{"family-name": "task_diag"}',
                 family="nlctrl.yaml")
    ops = [message["op-policy"] for message in answer if "op-policy" in message]
    rules = [message["policy"] for message in answer if "policy" in message]
    modes = {op.pop("op-id"): op for op in ops}
    assert set(modes[1]) == {"do", "dump"} and set(modes[2]) == {"do"}, ops
    for policy, wanted in ((modes[1]["do"], [(68, "binary")]),
                           (modes[1]["dump"], [(68, "binary")]),
                           (modes[2]["do"], [])):
        assert wanted == [(rule["attr-id"], rule["type"]) for rule in rules
                          if rule["policy-id"] == policy], answer


TESTS = [header_is_decoded, every_group_of_a_dump, every_group_of_a_plain_request,
         an_error_is_decoded, all_tasks, a_refusal_has_its_text, policy_is_the_specs]


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
try:
    HEADER = tool("--header", "--json")
except subprocess.CalledProcessError:
    skip_all("this kernel has no task_diag")
ksft.set_plan(len(TESTS))
for one in TESTS:
    run(one)
ksft.finished()
