# SPDX-License-Identifier: BSD-2-Clause
"""One minute of tests/campaign/run; 20 of them are for a person to start.

ROLLCALL_SEED plays one again."""

import os
import subprocess
import sys

import pytest
import rollcall

SECONDS = 60


@pytest.mark.slow
def test_a_minute_of_faults():
    seed = ["--seed", os.environ["ROLLCALL_SEED"]] \
        if "ROLLCALL_SEED" in os.environ else []
    done = subprocess.run(
        [sys.executable, rollcall.TREE / "tests/campaign/run", str(SECONDS),
         "--slack", "5", "--most", "3", "--verbose", *seed], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        stdin=subprocess.DEVNULL)
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-4000:]
    assert "0 violations" in done.stdout
