# SPDX-License-Identifier: BSD-2-Clause
"""Definitions that others may write to do not count."""

import os
import subprocess

import pytest
import rollcall
from rollcall import until


def plain(service):
    return f"service: {service}\nport: 80\n"


def known(site):
    return sorted(name for name, in site.sql("SELECT name FROM service"))


def test_a_file_that_others_may_write(site):
    (site.watch / "good.yaml").write_text(plain("good"))
    bad = site.watch / "bad.yaml"
    bad.write_text(plain("bad"))
    bad.chmod(0o666)
    registrar = site.start_registrar()
    registrar.wait_log(r"bad\.yaml': found mode 0666, expected a file")
    assert known(site) == ["good"]
    bad.chmod(0o644)  # noticed without a touch
    until("bad is good", lambda: known(site) == ["bad", "good"])
    assert site.registry.stat().st_mode & 0o777 == 0o640


def test_what_a_symlink_points_at(site):
    far = site.folder / "far.yaml"
    far.write_text(plain("far"))
    far.chmod(0o664)
    (site.watch / "far.yaml").symlink_to(far)
    registrar = site.start_registrar()
    registrar.wait_log(r"far\.yaml': found mode 0664")
    assert known(site) == []


def test_the_last_good_version_stays(site):
    site.define("web.yaml", plain("web"))
    registrar = site.start_registrar()
    until("web", lambda: known(site) == ["web"])
    aside = site.folder / "aside"
    aside.write_text(plain("other"))
    aside.chmod(0o662)
    aside.rename(site.watch / "web.yaml")
    registrar.wait_log(r"the last good version of .*web\.yaml' stays")
    assert known(site) == ["web"]


def test_a_directory_that_others_may_write(site):
    site.define("web.yaml", plain("web"))
    site.watch.chmod(0o777)
    registrar = site.start_registrar()
    registrar.wait_log(r"found mode 0777, expected a directory")
    assert known(site) == []
    site.watch.chmod(0o1777)
    until("sticky is good", lambda: known(site) == ["web"])


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files away")
def test_owners(site):
    for name, uid in ("a", 12345), ("b", 54321):
        (site.watch / f"{name}.yaml").write_text(plain(name))
        os.chown(site.watch / f"{name}.yaml", uid, uid)
    registrar = site.start_registrar("--definition-owner", "12345")
    registrar.wait_log(r"b\.yaml': found a file of user 54321")
    assert known(site) == ["a"]


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files away")
def test_whose_links_count(site):
    """In a sticky directory anybody may make one."""
    site.watch.chmod(0o1777)
    for name, uid in (("a", 0), ("b", 12345), ("c", 54321)):
        far = site.folder / f"{name}.far"
        far.write_text(plain(name))
        (site.watch / f"{name}.yaml").symlink_to(far)
        os.lchown(site.watch / f"{name}.yaml", uid, uid)
    registrar = site.start_registrar("--definition-owner", "12345")
    registrar.wait_log(r"c\.yaml': found a link of user 54321")
    assert known(site) == ["a", "b"]
    # replaced by the right one
    (site.watch / "c.yaml").unlink()
    (site.watch / "c.yaml").symlink_to(site.folder / "c.far")
    until("c is good", lambda: known(site) == ["a", "b", "c"])


@pytest.mark.parametrize("link", [os.symlink, os.link])
@pytest.mark.parametrize("text", [
    "root:verysecret:19000:0:99999:7:::\nverysecret:x:1:\n",
    "verysecret\n", "- verysecret\n", "service: web\nport: verysecret\n",
    "{verysecret", "service: \"verysecret\\q\"\n", "verysecret: &verysecret\n"])
def test_what_is_told_of_a_secret(site, link, text):
    secret = site.folder / "secret"
    secret.write_text(text)
    secret.chmod(0o600)
    link(secret, site.watch / "x.yaml")
    site.define("web.yaml", plain("web"))
    registrar = site.start_registrar()
    registrar.wait_log(r"x\.yaml' is a link to a file that not everybody may")
    until("web", lambda: known(site) == ["web"])
    assert "verysecret" not in registrar.log_text()
    for kept in site.folder.glob("registry.db*"):
        assert b"verysecret" not in kept.read_bytes()
    # what everybody may read is told
    secret.chmod(0o644)
    secret.write_text(text + "#\n")
    (site.watch / "x.yaml").unlink()
    link(secret, site.watch / "x.yaml")
    registrar.wait_log(r"x\.yaml:\d+:\d+: ")


@pytest.mark.parametrize("command", [
    ("register", "web/a", "--address", "192.0.2.1", "--port", "80"),
    ("import", "-")])
def test_whoever_makes_the_registry(site, command):
    row = ('{"service": "web", "id": "a", "address": "192.0.2.1", '
           '"port": 80}')
    before = os.umask(0o022)
    try:
        subprocess.run(
            [rollcall.BUILD / "registrar/registrar", *command, "--registry",
             site.registry], input=row, text=True, check=True, timeout=60)
    finally:
        os.umask(before)
    assert known(site) == ["web"]
    for file in site.folder.glob("registry.db*"):
        assert file.stat().st_mode & 0o777 == 0o640, file
