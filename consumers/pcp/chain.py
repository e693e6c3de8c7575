#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Runs what a fleet runs: pmcd, pmlogger and its readers, pmproxy and Prometheus.

usage: chain.py PATCHED CONFIGS PROMETHEUS

PATCHED is the directory usr of consumers/pcp/run, CONFIGS that of pmlogconf, PROMETHEUS the
program. For harness/vm:
needs root, and a kernel with task_diag. Prints TAP lines.
"""
import glob
import http.client
import json
import lzma
import os
import re
import subprocess
import sys
import time
import urllib.request

from client import PATIENCE, Pmcd, environment, metrics_of
from runner import Tap
from zoo import PR_SET_NAME, call, child

HOSTS = "10.9.0.1", "10.9.1.1"
PORT = 44322
AGENTS = "proc|kernel|hinv|mem|disk|network|swap"       # those that are here
SAMPLES = 60                            # an hour's, at one a minute

tap = Tap("pcp chain")


def run(root, *argv):
    return subprocess.run(argv, env=environment(root) | {"PYTHONPATH": python_path(root)},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, timeout=PATIENCE).stdout


def python_path(root):
    """Where the build left the module, which pmrep and others import."""
    return glob.glob(f"{os.path.dirname(root)}/src/python/build/lib*")[0]


def processes():
    return [name for name in os.listdir("/proc") if name.isdigit()]


def open_bytes(name):
    with open(name, "rb") as file:
        return file.read()


def check_archive(root, pmcd, configs):
    """An hour's samples at ten per second, of what pmlogger logs as installed."""
    with open("/tmp/pmlogger.conf", "w", encoding="ascii") as conf:
        names = metrics_of(configs, "zeroconf/atop-proc", "zeroconf/pidstat", agents=AGENTS)
        conf.write("log mandatory on 100 msec {\n" + "\n".join(names) + "\n}\n")
        others = metrics_of(configs, "tools/atop", "tools/pidstat-summary", agents=AGENTS)
        conf.write("log mandatory on 2 sec {\n" + "\n".join(set(others) - set(names)) +
                   "\nkernel.uname\nkernel.all.boottime\nhinv.ncpu\nmem.physmem\n"
                   "proc.psinfo.ttyname\n}\n")
    pid = child(lambda: call("prctl", PR_SET_NAME, b"in the archive", 0, 0, 0))
    log = run(root, "pmlogger", "-c", "/tmp/pmlogger.conf", "-h", f"unix:{pmcd.socket}",
              "-l", "/tmp/pmlogger.log", "-s", str(SAMPLES), "/tmp/archive")
    parts = [open_bytes(name) for name in glob.glob("/tmp/archive.*")]
    sizes = sum(map(len, parts)), sum(len(lzma.compress(part)) for part in parts)
    count = len(processes())
    label = run(root, "pmlogdump", "-l", "/tmp/archive")
    tap.result("Performance metrics from host" in label or "Archive Label" in label,
               f"pmlogger writes an archive, {sizes[0]} bytes for {SAMPLES} samples of {count} "
               f"processes, {sizes[1]} compressed", [log, label])
    text = run(root, "pmrep", "-a", "/tmp/archive", "-s", "2", "-t", "1s", "-i", f"0*{pid} .*",
               "proc.psinfo.cmd", "proc.psinfo.ppid")
    tap.result("in the" in text, "pmrep reads it", [text])
    # as 'pcp -a /tmp/archive -s 10 ps' does; a slow pmlogger has no values in the first ones
    text = run(root, "env", "PCP_ARCHIVE=/tmp/archive", "PCP_SAMPLES=10", "pcp-ps", "-e")
    tap.result(re.search(rf"\b{pid}\b", text), "pcp ps reads it", [text[-600:]])
    text = run(root, "env", "PCP_ARCHIVE=/tmp/archive", f"{root}/libexec/pcp/bin/pcp-atop",
               "-a", "-m", "1", "2")
    tap.result(re.search(rf"(?m)^ *{pid} .* [0-9.]+M .* in the archive", text), "pcp atop reads it",
               [text[-600:]])


def add_disk():
    """Statistics of a disk: pcp-atop refuses a host without one, as the VM is."""
    with open("/tmp/diskstats", "w", encoding="ascii") as file:
        file.write(" 254 0 vda 100 0 800 10 50 0 400 5 0 15 15\n")
    subprocess.run(["mount", "--bind", "/tmp/diskstats", "/proc/diskstats"], check=True)


def make_network():
    """Two network namespaces, each a host, that are linked to the first one."""
    os.makedirs("/run/netns", exist_ok=True)
    for number, host in enumerate(HOSTS):
        for command in [f"netns add host{number}",
                        f"link add veth{number} type veth peer name eth0 netns host{number}",
                        f"addr add {host[:-1]}9/24 dev veth{number}", f"link set veth{number} up",
                        f"-n host{number} addr add {host}/24 dev eth0",
                        f"-n host{number} link set eth0 up", f"-n host{number} link set lo up"]:
            subprocess.run(["ip", *command.split()], check=True)


def get(url):
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return answer.read().decode()
    except http.client.IncompleteRead as error:     # pmproxy leaves out the last line
        return error.partial.decode()
    except (http.client.HTTPException, OSError) as error:
        return f"{url}: {error}"


def wait_for(url, condition):
    deadline = time.monotonic() + 30
    while True:
        text = get(url)
        if condition(text) or time.monotonic() > deadline:
            return text
        time.sleep(0.5)


def check_fleet(root, pmcds, prometheus):
    """Two hosts, each with a pmcd of its own."""
    names = "proc.nprocs,proc.psinfo.rss,proc.io.write_bytes"
    with open("/tmp/pmproxy.conf", "w", encoding="ascii") as conf:
        conf.write("[pmproxy]\npcp.enabled = true\nhttp.enabled = true\nresp.enabled = false\n"
                   "redis.enabled = false\nsecure.enabled = false\n[discover]\nenabled = false\n"
                   "[pmseries]\nenabled = false\n[pmsearch]\nenabled = false\n")
    running = []
    for host, pmcd in zip(HOSTS, pmcds):
        running.append(subprocess.Popen(
            ["ip", "netns", "exec", f"host{HOSTS.index(host)}",
             f"{root}/libexec/pcp/bin/pmproxy", "-f", "-c", "/tmp/pmproxy.conf",
             "-l", f"/tmp/pmproxy-{host}.log", "-i", host, "-p", str(PORT),
             "-s", f"/run/pmproxy-{host}"],
            env=environment(root), cwd=pmcd.folder))
        url = f"http://{host}:{PORT}/metrics?hostspec=unix:{pmcd.socket}&names={names}"
        text = wait_for(url, lambda text: "proc_nprocs" in text)
        lines = re.findall(r"^proc_psinfo_rss\{.*", text, re.MULTILINE)
        tap.result(lines, f"pmproxy of {host} serves OpenMetrics, "
                   f"{sum(map(len, lines)) // max(1, len(lines))} bytes a value",
                   [text[:500], open_bytes(f"/tmp/pmproxy-{host}.log").decode()])

    jobs = "".join(f"""
  - job_name: host{number}
    params: {{hostspec: ["unix:{pmcd.socket}"], names: ["{names}"]}}
    static_configs: [{{targets: ["{host}:{PORT}"]}}]
""" for number, (host, pmcd) in enumerate(zip(HOSTS, pmcds)))
    with open("/tmp/prometheus.yml", "w", encoding="ascii") as conf:
        conf.write("global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:" + jobs)
    running.append(subprocess.Popen(
        [prometheus, "--config.file=/tmp/prometheus.yml", "--storage.tsdb.path=/tmp/prometheus",
         "--web.listen-address=127.0.0.1:9090"], stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL))
    query = "http://127.0.0.1:9090/api/v1/query?query=proc_nprocs"

    def results(text):
        return text.startswith("{") and json.loads(text)["data"]["result"]
    text = wait_for(query, lambda text: len(results(text) or []) == len(HOSTS))
    tap.result(len(results(text) or []) == len(HOSTS), "Prometheus has both hosts", [text])
    query = "http://127.0.0.1:9090/api/v1/query?query=count(proc_psinfo_rss)%20by%20(job)"
    text = get(query)
    tap.result(len(results(text) or []) == len(HOSTS), f"and their processes: {text}", [text])
    for process in running:
        process.terminate()


def main():
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    root, configs, prometheus = sys.argv[1:]
    add_disk()
    pmcd = Pmcd(root, "one")
    check_archive(root, pmcd, configs)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    make_network()
    check_fleet(root, [pmcd, Pmcd(root, "two")], prometheus)
    sys.stdout.flush()
    os._exit(1 if tap.failed else 0)


if __name__ == "__main__":
    main()
