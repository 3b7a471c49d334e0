# SPDX-License-Identifier: BSD-2-Clause
"""The servers that dnsd is measured against, as Debian packages them.

Each gets what is best for it: one thread for questions, no rate limit, no
journal, no log. A peer is a function that writes its configuration into a
folder and returns the command that stays in the foreground.
"""

import shutil

from bench import ZONE


def nsd(folder, port, data):
    config = folder / "nsd.conf"
    config.write_text(f"""
server:
    server-count: 1
    ip-address: 127.0.0.1@{port}
    reuseport: yes
    username: ""
    chroot: ""
    zonesdir: "{folder}"
    database: ""
    pidfile: "{folder}/nsd.pid"
    xfrdfile: "{folder}/xfrd.state"
    xfrdir: "{folder}"
    zonelistfile: "{folder}/zone.list"
    logfile: "{folder}/nsd.log"
    tcp-count: 200
    tcp-query-count: 0
    rrl-ratelimit: 0
    answer-cookie: no
remote-control:
    control-enable: no
zone:
    name: {ZONE}
    zonefile: "{data.zone_file()}"
""")
    return ["nsd", "-d", "-c", config]


def knot(folder, port, data):
    (folder / "db").mkdir()
    config = folder / "knot.conf"
    config.write_text(f"""
server:
    rundir: "{folder}"
    listen: 127.0.0.1@{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stderr
    any: error
database:
    storage: "{folder}/db"
control:
    listen: "{folder}/knot.sock"
template:
  - id: default
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
    semantic-checks: off
zone:
  - domain: {ZONE}
    file: "{data.zone_file()}"
""")
    return ["knotd", "-c", config]


def gdnsd(folder, port, data):
    (folder / "etc/zones").mkdir(parents=True)
    shutil.copy(data.zone_file(), folder / "etc/zones" / ZONE)
    (folder / "etc/config").write_text(f"""
options => {{
    listen => {{ 127.0.0.1:{port} => {{ udp_threads = 1, tcp_threads = 1 }} }}
    run_dir = {folder}/run
    state_dir = {folder}/state
    disable_cookies = true
    zones_rfc1035_threads = 1
}}
""")
    return ["gdnsd", "-c", folder / "etc", "start"]


def bind(folder, port, data):
    config = folder / "named.conf"
    config.write_text(f"""
options {{
    directory "{folder}";
    pid-file "{folder}/named.pid";
    session-keyfile "{folder}/session.key";
    listen-on port {port} {{ 127.0.0.1; }};
    listen-on-v6 {{ none; }};
    recursion no;
    dnssec-validation no;
    notify no;
    allow-transfer {{ none; }};
}};
controls {{ }};
logging {{ category default {{ null; }}; }};
zone "{ZONE}" {{ type primary; file "{data.zone_file()}"; }};
""")
    return ["named", "-f", "-n", "1", "-c", config]


PEERS = {"nsd": nsd, "knot": knot, "gdnsd": gdnsd, "bind": bind}
PROGRAMS = {"nsd": "nsd", "knot": "knotd", "gdnsd": "gdnsd", "bind": "named"}


def find(name):
    """Whether the peer is installed; Debian keeps servers in sbin."""
    return shutil.which(PROGRAMS[name],
                        path="/usr/sbin:/usr/local/sbin:/usr/bin")


def command(name, folder, port, data):
    words = PEERS[name](folder, port, data)
    return [find(name)] + words[1:]
