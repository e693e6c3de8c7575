# SPDX-License-Identifier: GPL-2.0
"""A pmcd with the agent pmdaproc alone, and a client of it, by libpcp."""
import ctypes
import os
import shutil
import subprocess
import time

PM_CONTEXT_HOST = 1

# In seconds of the guest's clock. Under --icount it goes on fast while a file is read.
PATIENCE = 3600


class Pmcd:
    """
    pmcd of the tree ROOT, which it sees in /run/NAME, with the agent in a process of its
    own. environ is added to the agent's.
    """

    def __init__(self, root, name, environ=None, options=""):
        self.root = root
        self.folder = f"/run/pcp-{name}"
        self.socket = f"{self.folder}/socket"
        os.mkdir(self.folder)
        names = f"{root}/var/lib/pcp/pmdas/proc/root"
        agent = f"{root}/var/lib/pcp/pmdas/proc/pmdaproc"
        with open(f"{self.folder}/pmcd.conf", "w", encoding="ascii") as conf:
            conf.write(f"proc 3 pipe binary {agent} -d 3 -l {self.folder}/agent.log {options}\n"
                       "[access]\nallow \"local:*\" : all;\n")
        self.process = subprocess.Popen(
            [f"{root}/libexec/pcp/bin/pmcd", "-f", "-A", "-c", f"{self.folder}/pmcd.conf",
             "-n", names, "-l", f"{self.folder}/pmcd.log", "-s", self.socket, "-i", "127.0.0.1",
             "-p", "0", "-t", "0", "-q", str(PATIENCE)],
            env=environment(root) | (environ or {}), cwd=self.folder)
        self.agent = self.wait_for(self.find_agent)

    def wait_for(self, condition):
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None and time.monotonic() < deadline:
            result = condition()
            if result:
                return result
            time.sleep(0.1)
        raise RuntimeError(f"pmcd is not ready: {self.log()}")

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
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder)


def environment(root):
    """What programs of the tree ROOT take to find their files."""
    return {"PATH": f"{root}/bin:{root}/libexec/pcp/bin:/usr/bin:/bin", "PCP_DIR": root,
            "PCP_CONF": f"{root}/etc/pcp.conf", "LD_LIBRARY_PATH": f"{root}/lib",
            "PCP_TMP_DIR": "/tmp", "PCP_RUN_DIR": "/run", "PCP_LOG_DIR": "/tmp",
            "PMCD_CONNECT_TIMEOUT": str(PATIENCE), "PMCD_REQUEST_TIMEOUT": str(PATIENCE)}


class Client:
    """A client of a pmcd, for fetches of which only their cost counts."""

    def __init__(self, pmcd, metrics):
        self.pcp = ctypes.CDLL(f"{pmcd.root}/lib/libpcp.so.3")
        name = f"unix:{pmcd.socket}".encode()
        pmcd.wait_for(lambda: self.pcp.pmNewContext(PM_CONTEXT_HOST, name) >= 0)
        names = (ctypes.c_char_p * len(metrics))(*(name.encode() for name in metrics))
        self.metrics = (ctypes.c_uint * len(metrics))()
        if self.check(self.pcp.pmLookupName(len(metrics), names, self.metrics)) != len(metrics):
            raise RuntimeError("unknown metrics")

    def check(self, status):
        if status < 0:
            self.pcp.pmErrStr.restype = ctypes.c_char_p
            raise RuntimeError(self.pcp.pmErrStr(status).decode())
        return status

    def fetch(self):
        result = ctypes.c_void_p()
        self.check(self.pcp.pmFetch(len(self.metrics), self.metrics, ctypes.byref(result)))
        self.pcp.pmFreeResult(result)
