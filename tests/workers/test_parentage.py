"""Children that end with their parent, in every way a parent can be ended."""

import os
import signal
import subprocess
import sys

import pytest

from tests.workers.system import ROOT, alive, until

PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, *sys.argv[1:]])
print(child.pid, flush=True)
time.sleep(60)
"""
SLEEPER = "import time; print('begun', flush=True); time.sleep(60)"
BY_KERNEL = f"""
import os
from workers import parentage
parentage.die_with_parent(os.getppid())
{SLEEPER}
"""
BY_WATCH = BY_KERNEL.replace("parentage.die", "parentage.ask_kernel = lambda: False; parentage.die")


def a_parent(*child: str) -> tuple["subprocess.Popen[str]", int]:
    """A process with the child; returns both when the child has begun."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, *child], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert parent.stdout.readline() == "begun\n"
    return parent, pid


@pytest.mark.parametrize(("code", "within_s"), [(BY_KERNEL, 1.0), (BY_WATCH, 3.0)])
def test_a_child_ends_when_its_parent_is_killed(code, within_s):
    parent, child = a_parent("-c", code)
    assert alive({child})
    parent.kill()
    parent.communicate()
    until(lambda: not alive({child}), within_s)


def test_a_child_whose_parent_is_gone_already_does_not_begin():
    code = f"from workers import parentage; parentage.die_with_parent(1)\n{SLEEPER}"
    child = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, timeout=10, check=False
    )
    assert (child.returncode, child.stdout) == (1, b"")


@pytest.mark.parametrize("kernel", [True, False])
def test_another_program_ends_with_the_parent_too(kernel):
    code = (
        "import os, sys; from workers import child, parentage\n"
        f"if not {kernel}: parentage.ask_kernel = lambda: False\n"
        f"child.execute(os.getppid(), [sys.executable, '-c', {SLEEPER!r}])"
    )
    parent, child = a_parent("-c", code)
    os.kill(parent.pid, signal.SIGKILL)
    parent.communicate()
    until(lambda: not alive({child}), 3.0)
