#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The netlink spec of task_diag against the uapi headers.

usage: spec.py structs            print the structs of the headers as YAML
       spec.py check SPEC YNL     compare SPEC with the headers; YNL is where the
                                  kernel's YNL has lib/; prints C code with
                                  assertions for the compiler to check

struct taskstats is that of BASE.

The structs in SPEC are the output of the first command: after a change of the header,
replace them.
"""
import os
import re
import sys

from common import SOURCE, TOP

HEADER = os.path.join(TOP, "include/uapi/linux/task_diag.h")
TASKSTATS = os.path.join(SOURCE, "include/uapi/linux/taskstats.h")

SCALARS = {"char": "u8", "__u8": "u8", "__u16": "u16", "__u32": "u32", "__u64": "u64",
           "__s32": "s32", "__s64": "s64", "__aligned_u64": "u64"}
# From <linux/time_types.h>. A spec member is named after the field and the part.
TIMESPEC = "__kernel_timespec"
TIMESPEC_BODY = "__s64 tv_sec;\n__s64 tv_nsec;\n"
CONSTANTS = {"TASK_DIAG_COMM_LEN": 16, "TASK_DIAG_FILE_KINDS": 22, "TS_COMM_LEN": 32}
# Structs that refer to data after them in the payload
TAILS = ("task_diag_vma", "task_diag_vma_stat", "task_diag_cgroup", "task_diag_file",
         "task_diag_affinity")
TAIL = "rest"
# The spec language has no structs of open length. The rest is never longer.
TAIL_LEN = 4096
TAIL_DOC = ("Not of this length, but whatever the payload has left. What the -at of "
            "other members refers to is in it.")


def size_of(member):
    return member.get("len") or int(member["type"][1:]) // 8


def dashed(name):
    return name.replace("_", "-")


def sentence(text):
    """Removes kernel-doc's markup and line breaks, adds a capital and a full stop."""
    text = re.sub(r"[@%&](?=[\w])", "", re.sub(r"\s+", " ", text)).strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def kernel_doc(comment):
    """The parts of a comment: its members, and the text after them."""
    body = re.sub(r"(?m)^ \*[ \t]?", "", comment).rstrip()
    docs = dict(re.findall(r"(?ms)^@(\w+): (.*?)(?=^@|^$|\Z)", body))
    behind = re.split(r"(?m)^$", body)[1:]
    return docs, " ".join(behind)


def c_members(body):
    for line in re.findall(r"(?m)^\s*((?:struct )?\w+\s+\w+(?:\[\w+\])?.*?);", body):
        kind, name, length, rest = re.match(
            r"((?:struct )?\w+)\s+(\w+)(?:\[(\w+)\])?(.*)", line).groups()
        if length:
            length = int(CONSTANTS.get(length, length))
        yield kind, name, length, "aligned(8)" in rest


def struct_members(structs, name):
    """The members of a struct as the spec language has them: no struct in a
    struct, and padding only as members. Each comes with its name in C, or with
    None if it has no name."""
    docs, _, body = structs[name]
    offset = 0
    holes = 0
    for kind, member, length, aligned in c_members(body):
        if kind.startswith("struct "):
            inside = kind.split()[1]
            for inner, path in struct_members(structs, inside):
                offset += size_of(inner)
                if inside == TIMESPEC:
                    inner["name"] = dashed(f"{member}_{path}")
                yield inner, f"{member}.{path}"
            continue
        size = int(SCALARS[kind][1:]) // 8
        hole = -offset % (8 if aligned else size)
        if hole:
            yield {"name": f"hole-{holes}", "type": "binary", "len": hole}, None
            holes += 1
        out = {"name": dashed(member)}
        # The spec language has no arrays in a struct.
        out.update({"type": "binary", "len": length * size} if length else
                   {"type": SCALARS[kind]})
        if member in docs:
            out["doc"] = sentence(docs[member])
        offset += hole + size_of(out)
        yield out, member
    if name in TAILS:
        yield {"name": TAIL, "type": "binary", "len": TAIL_LEN, "doc": TAIL_DOC}, None


def read_structs(path):
    text = open(path).read()
    comments = dict((name, comment) for comment, name in re.findall(
        r"(?s)/\*\*\n((?:(?!\*/).)*) \*/\nstruct (\w+) \{", text))
    return {name: (*kernel_doc(comments.get(name, "")),
                   re.sub(r"(?s)/\*.*?\*/", "", body))
            for name, body in re.findall(r"(?ms)^struct (\w+) \{\n(.*?)^\};", text)}


def all_structs():
    return {**read_structs(HEADER), "taskstats": read_structs(TASKSTATS)["taskstats"],
            TIMESPEC: ({}, "", TIMESPEC_BODY)}


def header_structs():
    structs = all_structs()
    for name, (_, behind, _) in structs.items():
        if name in ("task_diag_pages", TIMESPEC):
            continue    # in others only
        out = {"name": dashed(name), "type": "struct"}
        if name == "taskstats":
            out["header"] = "linux/taskstats.h"
        if behind.strip():
            out["doc"] = sentence(behind)
        out["members"] = [m for m, _ in struct_members(structs, name)]
        yield out


def print_structs():
    def wrap(key, text, indent):
        pad = " " * indent
        if len(text) + len(key) + indent + 2 <= 80 and ": " not in text:
            print(f"{pad}{key}: {text}")
            return
        print(f"{pad}{key}: >-")
        line = pad + " "
        for word in text.split():
            if len(line) + 1 + len(word) > 80:
                print(line)
                line = pad + " "
            line += " " + word
        print(line)

    for struct in header_structs():
        print(f"  -\n    name: {struct['name']}\n    type: struct")
        if "header" in struct:
            print(f"    header: {struct['header']}")
        if "doc" in struct:
            wrap("doc", struct["doc"], 4)
        print("    members:")
        for member in struct["members"]:
            print(f"      -\n        name: {member['name']}\n        type: {member['type']}")
            if "len" in member:
                print(f"        len: {member['len']}")
            if "doc" in member:
                wrap("doc", member["doc"], 8)


# --- the comparison


def compare_structs(spec):
    ours = {d["name"]: d for d in spec["definitions"] if d["type"] == "struct"}
    for want in header_structs():
        have = ours.pop(want["name"], None)
        if have != want:
            yield f"struct {want['name']} is not what 'harness/lib/spec.py structs' prints"
    for name in ours:
        yield f"struct {name} is in no header"


def constants(family):
    """Every constant that the spec knows, by its name in C"""
    def c(*parts):
        return "".join(parts).upper().replace("-", "_")

    yield "TASK_DIAG_GENL_VERSION", family.yaml["version"]
    for const in family.consts.values():
        if const["type"] in ("enum", "flags"):
            for entry in const.entries.values():
                yield c(const["name-prefix"], entry.name), entry.user_value()
        elif const["type"] == "const":
            yield c("task-diag-", const["name"]), const["value"]
    for attr_set in family.attr_sets.values():
        if "subset-of" in attr_set.yaml:
            continue
        for attr in attr_set.attrs.values():
            prefix = attr.yaml.get("name-prefix", attr_set.yaml["name-prefix"])
            yield c(prefix, attr.name), attr.value
    operations = family.yaml["operations"]
    for op in family.msgs.values():
        prefix = operations["async-prefix" if op.is_async else "name-prefix"]
        yield c(prefix, op.name), op.value


# Not numbers of the interface: ends of enums, and constants without meaning
NO_CONSTANT = re.compile(r"_UNSPEC$|_MAX$|_GENL_(NAME|VERSION)$|_COMM_LEN$")


def compare_constants(known):
    text = re.sub(r"(?s)/\*.*?\*/", "", open(HEADER).read())
    there = set(re.findall(r"(?m)^\t(TASK_DIAG_\w+)|^#define (TASK_DIAG_\w+)", text))
    there = {a or b for a, b in there}
    for name in sorted(there - known):
        if not NO_CONSTANT.search(name):
            yield f"{name} is not in the spec"


# The request's struct is not the payload of this attribute.
NOT_OF_STRUCT = {"pid"}


def compare_groups(family):
    """Checks that the payload of an attribute has the struct of the same name."""
    structs = {n for n, d in family.consts.items() if d["type"] == "struct"}
    attrs = family.attr_sets["task-diag"].attrs.values()
    for attr in attrs:
        if attr.struct_name and attr.struct_name not in structs:
            yield f"attribute {attr.name}: no {attr.struct_name}"
        own = "task-diag-" + attr.name
        if own in structs and attr.struct_name != own and \
                attr.name not in NOT_OF_STRUCT:
            yield f"attribute {attr.name} does not name {own}"
    shown = {e.name: e.value for e in family.consts["show"].entries.values()
             if e.name.startswith("show-")}
    groups = {"show-" + a.name: a.value for a in attrs if a.value < 64}
    if shown != groups:
        yield "the show flags are not those of the groups"
    get = next(op for op in family.yaml["operations"]["list"] if op["name"] == "get")
    listed = set(get["dump"]["reply"]["attributes"])
    # Attributes that only requests, only the header or only events have
    listed |= set(get["dump"]["request"]["attributes"]) | {"header", "events", "event"}
    for name in sorted({a.name for a in attrs} - listed):
        yield f"attribute {name} is not in the reply of get's dump"


def c_code(family, known):
    yield '#include <stddef.h>\n#include <linux/task_diag.h>\n#include <linux/taskstats.h>'
    yield f'_Static_assert(sizeof(TASK_DIAG_GENL_NAME) == sizeof("{family.name}"), "name");'
    for name, value in sorted(known.items()):
        yield f'_Static_assert({name} == {value}ULL, "{name}");'
    structs = all_structs()
    for name in structs:
        kind = "struct " + name
        const = family.consts.get(dashed(name))
        if const is None:
            continue
        paths = {m["name"]: path for m, path in struct_members(structs, name)}
        offset = 0
        for member in const.members:
            if name in TAILS and member.name == TAIL:
                continue
            path = paths.get(member.name)
            if path:
                field = f"(({kind} *)0)->{path}"
                yield f'_Static_assert(offsetof({kind}, {path}) == {offset}, "{name}.{path}");'
                if member.type == "binary":
                    yield f'_Static_assert(sizeof({field}) == {member.len}, "{name}.{path}");'
                else:
                    yield (f"_Static_assert(__builtin_types_compatible_p(__typeof__("
                           f'{field}), __{member.type}), "{name}.{path}");')
            offset += size_of(member.yaml)
        yield f'_Static_assert(sizeof({kind}) == {offset}, "{kind}");'


def check(spec_path, ynl):
    sys.path.insert(0, ynl)
    from lib import SpecFamily

    family = SpecFamily(spec_path, os.path.join(
        SOURCE, "Documentation/netlink/genetlink-legacy.yaml"))
    known = dict(constants(family))
    faults = [*compare_structs(family.yaml), *compare_constants(set(known)),
              *compare_groups(family)]
    for fault in faults:
        print(f"{spec_path}: {fault}", file=sys.stderr)
    print("\n".join(c_code(family, known)))
    return 1 if faults else 0


if sys.argv[1:] == ["structs"]:
    print_structs()
elif len(sys.argv) == 4 and sys.argv[1] == "check":
    sys.exit(check(*sys.argv[2:]))
else:
    print(__doc__, file=sys.stderr)
    sys.exit(2)
