# SPDX-License-Identifier: BSD-2-Clause
"""`cmake --install` puts every file where Debian expects it, keeps an
administrator's configuration, and its units are sound; the target `uninstall`
removes it again."""

import pathlib
import shutil
import subprocess
import sys
import tempfile

import style

EXPECTED = """
    @/sbin/dnsd
    @/sbin/registrar
    @/sbin/rollcall-resolv
    @/lib/systemd/system/rollcall-dnsd.service
    @/lib/systemd/system/rollcall-dnsd.socket
    @/lib/systemd/system/rollcall-registrar.service
    @/lib/sysusers.d/rollcall.conf
    @/lib/tmpfiles.d/rollcall.conf
    @/share/man/man8/dnsd.8
    @/share/man/man8/registrar.8
    @/share/man/man8/rollcall-resolv.8
    @/share/man/man5/registry.5
    @/share/man/man5/registrar.d.5
    @/share/man/man5/rollcall.yaml.5
    @/share/man/man7/rollcall.7
    @/share/bash-completion/completions/registrar
    @/share/zsh/vendor-completions/_registrar
    @/share/fish/vendor_completions.d/registrar.fish
    @/share/doc/rollcall/README.md
    @/share/doc/rollcall/CHANGELOG.md
    @/share/doc/rollcall/LICENSE
    @/share/doc/rollcall/rollcall.yaml
    @/share/doc/rollcall/examples/haproxy/haproxy.cfg
    /rollcall/rollcall.yaml
    /rollcall/services.d
""".split()


def run(*args, **more):
    return subprocess.run(args, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, **more)


def cached(key):
    text = (style.BUILD / "CMakeCache.txt").read_text()
    return next(line.split("=", 1)[1] for line in text.splitlines()
                if line.startswith(key + ":"))


def install(root, *more):
    out = run("cmake", "--install", str(style.BUILD), *more,
              env={"DESTDIR": str(root), "PATH": "/usr/bin:/bin"})
    if out.returncode:
        sys.exit(out.stdout)


def uninstall(root, conf):
    """Nothing is left but the configuration and a file that we never had."""
    other = conf.parent / "services.d/web.yaml"
    other.write_text("service: web\n")
    out = run("cmake", "--build", str(style.BUILD), "--target", "uninstall",
              env={"DESTDIR": str(root), "PATH": "/usr/bin:/bin"})
    if out.returncode:
        sys.exit(out.stdout)
    left = {path for path in root.rglob("*") if not path.is_dir()}
    problems = [f"uninstall left {path}" for path in left - {conf, other}]
    problems += [f"uninstall took {path}" for path in {conf, other} - left]
    problems += [f"uninstall left {path}" for path in root.rglob("rollcall")
                 if path != conf.parent]
    return problems


def verify(units):
    """What systemd itself says of the units."""
    tool = shutil.which("systemd-analyze")
    if not tool:
        print("no systemd-analyze: units not verified")
        return []
    problems = []
    for unit in units:
        # Without the programs, the manual pages and a bus, only what the
        # unit says can be judged.
        lines = run(tool, "verify", "--recursive-errors=no", "--man=no",
                    str(unit)).stdout.splitlines()
        problems += [f"{unit.name}: {line}" for line in lines
                     if unit.name in line and
                     "is not executable" not in line]
        exposure = run(tool, "security", "--offline=yes", "--no-pager",
                       "--threshold=20", str(unit))
        if exposure.returncode:
            problems.append(f"{unit.name}: exposed: "
                            + exposure.stdout.splitlines()[-1])
    return problems


def another_prefix():
    """As README has it: what was built for one place is put into /usr."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        install(root, "--prefix", "/usr")
        problems = [] if (root / "etc/rollcall/rollcall.yaml").exists() else \
            ["with --prefix /usr there is no /etc/rollcall/rollcall.yaml"]
        for unit in (root / "usr/lib/systemd/system").glob("*.service"):
            start = next(line for line in unit.read_text().splitlines()
                         if line.startswith("ExecStart="))
            for word in start.removeprefix("ExecStart=").split():
                if word.startswith("/") and \
                        not (root / word.lstrip("/")).exists():
                    problems.append(f"{unit.name}: {word} is not installed")
        return problems


def main():
    prefix = cached("CMAKE_INSTALL_PREFIX")
    etc = "/etc" if prefix == "/usr" else prefix + "/etc"
    problems = []
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        install(root)
        for path in EXPECTED:
            where = prefix + path[1:] if path.startswith("@") else etc + path
            if not (root / where.lstrip("/")).exists():
                problems.append(f"not installed: {where}")
        conf = root / etc.lstrip("/") / "rollcall/rollcall.yaml"
        conf.write_text("# mine\n")
        install(root)
        if conf.read_text() != "# mine\n":
            problems.append("a second install overwrote rollcall.yaml")
        units = root / prefix.lstrip("/") / "lib/systemd/system"
        problems += verify(sorted(units.glob("*.service")))
        problems += uninstall(root, conf)
    problems += another_prefix()
    for text in problems:
        print(text)
    sys.exit(1 if problems else 0)


main()
