# SPDX-License-Identifier: BSD-2-Clause
"""contrib/image: an image of each program, of the packages, run by Podman."""

import os
import shutil
import subprocess

import pytest
from podman import NEEDED, Podman
from test_package import packages_of_this_build  # noqa: F401: a fixture

from rollcall import TREE, until

pytestmark = [pytest.mark.slow, pytest.mark.release]

DEFINITION = """service: web
port: 80
instances: [{name: one, address: 192.0.2.1}]
checks: [{tcp: "127.0.0.1:53", interval: 200ms}]
"""


@pytest.fixture(name="podman")
def podman_of_ours():
    missing = [p for p in NEEDED if not shutil.which(p)]
    if os.geteuid() != 0 or missing:
        pytest.skip(f"no Podman: not root, or {missing} not installed")
    made = Podman()
    yield made
    made.close()


def test_both_images_run(packages, podman, tmp_path):
    done = subprocess.run(
        podman.argv()[:2] + [TREE / "contrib/image/build", packages,
                             *podman.argv()[3:]],
        env=podman.env, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        timeout=120)
    assert done.returncode == 0, done.stdout
    (tmp_path / "services.d").mkdir()
    (tmp_path / "services.d/web.yaml").write_text(DEFINITION)
    registry = tmp_path / "registry"
    registry.mkdir()
    os.chown(registry, 995, 995)
    shared = ("--network", "host", "-v", f"{registry}:/var/lib/rollcall")
    podman.run("run", "-d", "--name", "dnsd", "--cap-add",
               "NET_BIND_SERVICE", *shared, "rollcall-dnsd")
    podman.run("run", "-d", "--name", "registrar", *shared, "-v",
               f"{tmp_path}/services.d:/etc/rollcall/services.d:ro",
               "rollcall-registrar")

    def asked():
        out = subprocess.run(
            [*podman.argv()[:2], "dig", "@127.0.0.1", "+short", "+tries=1",
             "+time=2", "web.svc.internal"], text=True, capture_output=True,
            check=False).stdout
        return out.strip() == "192.0.2.1"

    try:
        until("web is served", asked, 20)
    except AssertionError as e:
        raise AssertionError(
            f"{e}: {podman.run('logs', 'dnsd')} "
            f"{podman.run('logs', 'registrar')}") from None
    podman.run("stop", "dnsd", "registrar")
    for name in ("dnsd", "registrar"):
        assert podman.inspect(name)["State"]["ExitCode"] == 0
