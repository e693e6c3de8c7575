# SPDX-License-Identifier: GPL-2.0
"""A pmcd with the agent pmdaproc alone, and a client of it, by libpcp."""
import ctypes
import os
import re
import shutil
import subprocess
import time


PM_CONTEXT_HOST = 1
PM_INDOM_NULL = 0xffffffff
PM_IN_NULL = -1

# In seconds of the guest's clock. Under --icount it goes on fast while a file is read.
PATIENCE = 3600


class Pmcd:
    """
    pmcd of the tree ROOT, which it sees in /run/NAME, with the agent in a process of its
    own. environ is added to the agent's.
    """

    def __init__(self, root, name, environ=None, options="", socket=None, port="0"):
        self.root = root
        self.folder = f"/run/pcp-{name}"
        self.socket = socket or f"{self.folder}/socket"
        os.mkdir(self.folder)
        names = f"{root}/var/lib/pcp/pmns/root"
        agents = f"{root}/var/lib/pcp/pmdas"
        with open(f"{self.folder}/pmcd.conf", "w", encoding="ascii") as conf:
            conf.write(f"pmcd 2 dso pmcd_init {agents}/pmcd/pmda_pmcd.so\n"
                       f"proc 3 pipe binary {agents}/proc/pmdaproc -d 3 -l {self.folder}/agent.log"
                       f" {options}\n")
            if os.path.exists(f"{agents}/linux"):
                conf.write(f"linux 60 dso linux_init {agents}/linux/pmda_linux.so\n")
            conf.write("[access]\nallow \"local:*\" : all;\n")
        self.process = subprocess.Popen(
            [f"{root}/libexec/pcp/bin/pmcd", "-f", "-A", "-c", f"{self.folder}/pmcd.conf",
             "-n", names, "-l", f"{self.folder}/pmcd.log", "-s", self.socket, "-i", "127.0.0.1",
             "-p", port, "-t", "0", "-q", str(PATIENCE)],
            env=environment(root) | (environ or {}), cwd=self.folder)
        self.owner = os.getpid()
        self.agent = self.wait_for(self.find_agent)

    def wait_for(self, condition):
        deadline = time.monotonic() + PATIENCE
        while self.is_alive() and time.monotonic() < deadline:
            result = condition()
            if result:
                return result
            time.sleep(0.1)
        raise RuntimeError(f"pmcd is not ready: {self.log()}")

    def is_alive(self):
        if os.getpid() == self.owner:
            return self.process.poll() is None
        try:
            os.kill(self.process.pid, 0)
        except PermissionError:
            return True
        except ProcessLookupError:
            return False
        return True

    def find_agent(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children",
                  encoding="ascii") as children:
            for pid in children.read().split():
                try:
                    if os.path.basename(os.readlink(f"/proc/{pid}/exe")) == "pmdaproc":
                        return int(pid)
                except OSError:         # it has ended
                    pass
        return None

    def log(self):
        text = ""
        for name in ("pmcd.log", "agent.log"):
            path = f"{self.folder}/{name}"
            if os.path.exists(path):
                with open(path, encoding="latin-1") as log:
                    text += log.read()
        return text

    def stop(self):
        while self.process.poll() is None:
            self.process.terminate()    # lost if it is still starting
            time.sleep(0.1)
        shutil.rmtree(self.folder)


def environment(root):
    """What programs of the tree ROOT take to find their files."""
    return {"PATH": f"{root}/bin:{root}/libexec/pcp/bin:/usr/bin:/bin", "PCP_DIR": root,
            "PCP_CONF": f"{root}/etc/pcp.conf", "LD_LIBRARY_PATH": f"{root}/lib",
            "PCP_TMP_DIR": "/tmp", "PCP_RUN_DIR": "/run", "PCP_LOG_DIR": "/tmp",
            "PCP_TMPFILE_DIR": "/tmp",
            "PMCD_CONNECT_TIMEOUT": str(PATIENCE), "PMCD_REQUEST_TIMEOUT": str(PATIENCE)}


def metrics_of(configs, *names, agents="proc"):
    """Those of these agents in files of pmlogconf, each once."""
    metrics = []
    for name in names:
        with open(f"{configs}/{name}", encoding="ascii") as config:
            metrics += re.findall(rf"^\s+((?:{agents})\.[\w.]+)", config.read(), re.MULTILINE)
    return list(dict.fromkeys(metrics))


class Value(ctypes.Structure):
    _fields_ = [("inst", ctypes.c_int), ("value", ctypes.c_void_p)]


class ValueSet(ctypes.Structure):
    _fields_ = [("metric", ctypes.c_uint), ("count", ctypes.c_int), ("format", ctypes.c_int)]


class Desc(ctypes.Structure):
    _fields_ = [("metric", ctypes.c_uint), ("type", ctypes.c_int), ("indom", ctypes.c_uint),
                ("semantics", ctypes.c_int), ("units", ctypes.c_uint)]


class Atom(ctypes.Union):
    _fields_ = [("long", ctypes.c_int), ("ulong", ctypes.c_uint), ("longlong", ctypes.c_longlong),
                ("ulonglong", ctypes.c_ulonglong), ("float", ctypes.c_float),
                ("double", ctypes.c_double), ("string", ctypes.c_void_p)]


TYPES = ("long", "ulong", "longlong", "ulonglong", "float", "double", "string")
STRING = TYPES.index("string")


class Client:
    """A client of a pmcd, that fetches these metrics."""

    def __init__(self, pmcd, names):
        self.pcp = ctypes.CDLL(f"{pmcd.root}/lib/libpcp.so.3")
        self.libc = ctypes.CDLL(None)
        host = f"unix:{pmcd.socket}".encode()
        pmcd.wait_for(lambda: self.pcp.pmNewContext(PM_CONTEXT_HOST, host) >= 0)
        self.names = names
        array = (ctypes.c_char_p * len(names))(*(name.encode() for name in names))
        self.metrics = (ctypes.c_uint * len(names))()
        if self.check(self.pcp.pmLookupName(len(names), array, self.metrics)) != len(names):
            raise RuntimeError("unknown metrics")

    def check(self, status):
        if status < 0:
            self.pcp.pmErrStr.restype = ctypes.c_char_p
            raise RuntimeError(self.pcp.pmErrStr(status).decode())
        return status

    def indom(self):
        """The instance domain, that all metrics with instances have."""
        indoms = {self.desc(metric).indom for metric in self.metrics} - {PM_INDOM_NULL}
        return indoms.pop() if indoms else None

    def restrict(self, instances):
        """Fetches only these instances from now on."""
        indom = ctypes.c_uint(self.indom())
        self.check(self.pcp.pmDelProfile(indom, 0, None))
        self.check(self.pcp.pmAddProfile(indom, len(instances),
                                         (ctypes.c_int * len(instances))(*instances)))

    def fetch(self):
        """For its cost."""
        result = ctypes.c_void_p()
        self.check(self.pcp.pmFetch(len(self.metrics), self.metrics, ctypes.byref(result)))
        self.pcp.pmFreeResult(result)

    def desc(self, metric):
        desc = Desc()
        self.check(self.pcp.pmLookupDesc(ctypes.c_uint(metric), ctypes.byref(desc)))
        return desc

    def values(self):
        """What each metric has of each instance: by name and instance, or the error."""
        result = ctypes.c_void_p()
        self.check(self.pcp.pmFetch(len(self.metrics), self.metrics, ctypes.byref(result)))
        # after a struct timeval and the number of sets
        sets = ctypes.cast(result.value + 24, ctypes.POINTER(ctypes.c_void_p))
        values = {}
        for number, name in enumerate(self.names):
            value_set = ValueSet.from_address(sets[number])
            if value_set.count < 0:
                values[name, None] = f"error {value_set.count}"
                continue
            kind = self.desc(value_set.metric).type
            for i in range(value_set.count):
                at = sets[number] + 16 + i * ctypes.sizeof(Value)
                values[name, Value.from_address(at).inst] = \
                    self.extract(value_set.format, at, kind)
        self.pcp.pmFreeResult(result)
        return values

    def extract(self, form, at, kind):
        atom = Atom()
        self.check(self.pcp.pmExtractValue(form, ctypes.c_void_p(at), kind, ctypes.byref(atom),
                                           kind))
        if kind != STRING:
            return getattr(atom, TYPES[kind])
        text = ctypes.string_at(atom.string)
        self.libc.free(ctypes.c_void_p(atom.string))
        return text

    def instances(self):
        """Their names."""
        indom = self.indom()
        if indom is None:
            return {}
        pids, names = ctypes.POINTER(ctypes.c_int)(), ctypes.POINTER(ctypes.c_char_p)()
        count = self.check(self.pcp.pmGetInDom(ctypes.c_uint(indom), ctypes.byref(pids),
                                               ctypes.byref(names)))
        found = {("instance", pids[i]): names[i] for i in range(count)}
        self.libc.free(pids)
        self.libc.free(names)
        return found
