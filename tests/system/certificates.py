# SPDX-License-Identifier: BSD-2-Clause
"""An authority and its certificates, made by openssl as people make them."""

import subprocess


def _openssl(*args):
    subprocess.run(["openssl", *map(str, args)], check=True,
                   capture_output=True)


class Authority:
    """NAME.pem and NAME.key in a folder; its own are ca.pem and ca.key."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.ca = folder / "ca.pem"
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:P-256", "-nodes", "-days", 30, "-subj",
                 "/CN=Test CA", "-keyout", folder / "ca.key", "-out", self.ca)

    def issue(self, name, names, days=30):
        """names: as in subjectAltName; days below 0: it has expired."""
        base = self.folder / name
        _openssl("req", "-new", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                 "-keyout", f"{base}.key", "-out", f"{base}.csr")
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={names}\n")
        _openssl("x509", "-req", "-in", f"{base}.csr", "-CA", self.ca,
                 "-CAkey", self.folder / "ca.key", "-CAcreateserial",
                 "-days", days, "-extfile", extensions, "-out", f"{base}.pem")
        return f"{base}.pem", f"{base}.key"
