#!/usr/bin/python3
"""km3net-verify [--quick] [--json] [--textfile FILE]: whether this host is as it was deployed.

Every check is a line. Exit code 1 where one fails; each failure says what to do. With --quick
nobody logs in. Needs root; uses Python's standard library only.
"""

import argparse
import json
import os
import shutil
import socket
import ssl
import stat
import subprocess
import sys
import time
from pathlib import Path

CONFIGURATION = Path("/etc/km3net/verify.json")
#: The public authorities, where Debian and AlmaLinux have them.
AUTHORITIES = (
    Path("/etc/ssl/certs/ca-certificates.crt"),
    Path("/etc/pki/tls/certs/ca-bundle.crt"),
)
#: OpenSSL's X509_V_ERR_* for a certificate whose issuer is not among the trusted ones.
UNKNOWN_ISSUER = {18, 19, 20, 21}
DAY = 86400


class Failed(Exception):
    """A check failed; the message says what is wrong and what to do."""


def run(*command, text=None):
    """A command's result; its output is kept."""
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=900)


def long(seconds):
    """A time in words."""
    return f"{seconds / DAY:.0f} days" if seconds > 2 * DAY else f"{seconds / 3600:.0f} hours"


class Checks:
    """All checks of one host, in the order in which people would look."""

    def __init__(self, configuration):
        self.given = configuration
        self.folder = Path(configuration["folder"])
        self.project = configuration["project"]

    def services(self):
        """Services of the system run and are enabled."""
        for unit in self.given["units"]:
            if run("systemctl", "is-active", "--quiet", unit).returncode:
                raise Failed(f"the service {unit} does not run: journalctl -u {unit} says why")
            if run("systemctl", "is-enabled", "--quiet", unit).returncode:
                raise Failed(f"{unit} will not start after a reboot: systemctl enable {unit}")
        return f"{len(self.given['units'])} services run"

    def containers(self):
        """The platform's containers run, are healthy and are of the recorded images."""
        images = json.loads((self.folder / "images.json").read_text())["images"]
        for service in self.given["services"]:
            name = f"{self.project}-{service}"
            found = run("docker", "inspect", name)
            if found.returncode:
                raise Failed(f"there is no container {name}: run the playbook site")
            container = json.loads(found.stdout)[0]
            state = container["State"]
            health = (state.get("Health") or {}).get("Status", "healthy")
            if not state["Running"] or health == "unhealthy":
                status = health if state["Running"] else state["Status"]
                raise Failed(f"the container {name} is {status}: docker logs {name} says why")
            image = {"net": "proxy", "keeper": "hub"}.get(service, service)
            if container["Image"] != images[f"km3net/{image}"]["id"]:
                raise Failed(f"{name} is not of the recorded image: run the playbook site")
        return f"{len(self.given['services'])} containers run"

    def images(self):
        """The images that users choose are here, as recorded."""
        for name, image in json.loads((self.folder / "images.json").read_text())["images"].items():
            found = run("docker", "image", "inspect", f"{name}:{image['tag']}")
            if found.returncode or json.loads(found.stdout)[0]["Id"] != image["id"]:
                raise Failed(f"the image {name}:{image['tag']} is missing: run the playbook site")
        return "all images are the recorded ones"

    def filters(self):
        """Both packet filters are in place."""
        table = run("nft", "list", "table", "inet", "km3net_host").stdout
        if "policy drop" not in table:
            raise Failed("the host's packet filter is missing: systemctl restart km3net-firewall")
        if "169.254.0.0/16" not in table:
            raise Failed("containers may reach the cloud's metadata: run the playbook site")
        own = run("docker", "exec", f"{self.project}-firewall", "km3-firewall", "check")
        if own.returncode:
            raise Failed(
                "the packet filter between users' servers is missing:"
                f" docker restart {self.project}-firewall"
            )
        return "packet filters are in place"

    def published(self):
        """No container publishes a port to the world."""
        names = run("docker", "ps", "--quiet").stdout.split()
        for container in json.loads(run("docker", "inspect", *names).stdout) if names else []:
            for ends in (container["NetworkSettings"]["Ports"] or {}).values():
                for end in ends or []:
                    if end["HostIp"] not in ("127.0.0.1", "::1"):
                        raise Failed(
                            f"{container['Name'][1:]} publishes port {end['HostPort']} on"
                            f" {end['HostIp']}: publish it on 127.0.0.1"
                        )
        return "containers publish on loopback only"

    def web(self):
        """Hub and portal answer by their names; http leads to https."""
        for name, path in self.given["web"].items():
            code = self._ask(f"{self.given['scheme']}://{name}{path}", self.given["port"])
            if code != "200":
                raise Failed(
                    f"{name}{path} answers {code} instead of 200: journalctl -u caddy, docker logs"
                    f" {self.project}-proxy say why"
                )
            if self.given["tls"] and self._ask(f"http://{name}/", self.given["http"]) != "308":
                raise Failed(f"http://{name} does not lead to https: run the playbook site")
        return ", ".join(f"{name} answers" for name in self.given["web"])

    def _ask(self, address, port):
        form = ["--silent", "--insecure", "--output", os.devnull, "--write-out", "%{http_code}"]
        where = ["--connect-to", f"::127.0.0.1:{port}", "--max-time", "20"]
        return run("curl", *form, *where, address).stdout

    def certificates(self):
        """Certificates are valid, for these names, for some time."""
        if not self.given["tls"]:
            return "certificates are the site's proxy's"
        least = DAY * 365
        for name in self.given["web"]:
            context = ssl.create_default_context(cafile=self.given["authority"] or None)
            if self.given["authority"]:
                context.load_default_certs()
            try:
                with (
                    socket.create_connection(("127.0.0.1", self.given["port"]), 20) as plain,
                    context.wrap_socket(plain, server_hostname=name) as connection,
                ):
                    end = ssl.cert_time_to_seconds(connection.getpeercert()["notAfter"])
            except ssl.SSLCertVerificationError as error:
                why = "journalctl -u caddy says why it was not renewed"
                if error.verify_code in UNKNOWN_ISSUER:
                    why = "if it is of an authority of your own, write verify_authority"
                raise Failed(
                    f"the certificate of {name} is not valid ({error.verify_message}): {why}"
                ) from None
            except OSError as error:
                raise Failed(f"{name} does not answer by https ({error})") from None
            least = min(least, end - time.time())
            if least < self.given["certificate_days"] * DAY:
                raise Failed(
                    f"the certificate of {name} ends in {long(least)}: journalctl -u caddy"
                    " says why it was not renewed (files: bring a new one, run the playbook site)"
                )
        return f"certificates are valid for {long(least)}"

    def disk(self):
        """Disks have room."""
        for folder in ("/", "/var/lib/docker", str(self.folder)):
            usage = shutil.disk_usage(folder)
            free = 100 * usage.free / usage.total
            if free < self.given["disk_percent"]:
                raise Failed(
                    f"the disk of {folder} has {free:.0f}% free: docker image prune, journalctl"
                    " --vacuum-size=500M, or a larger disk; docker system df -v shows the homes"
                )
        return "disks have room"

    def backup(self):
        """The last backup is recent."""
        if not self.given["backup"]:
            return "backups are off"
        stamp = Path("/var/lib/km3net/backup/done")
        if not stamp.exists():
            raise Failed("there was no backup yet: run the playbook backup")
        hours = (time.time() - stamp.stat().st_mtime) / 3600
        if hours > self.given["backup_hours"]:
            raise Failed(
                f"the last backup is {hours:.0f} hours old: journalctl -u km3net-backup says why"
            )
        return f"the last backup is {hours:.0f} hours old"

    def secrets(self):
        """Files with secrets are their owner's only."""
        files = [*self.folder.glob("secrets/*"), self.folder / "compose/.env"]
        files += [path for path in (Path("/etc/km3net/backup.json"),) if path.exists()]
        # These are the hub's, in a folder that only root may enter.
        hubs = list(Path(self.given["state"]).glob("secret-*"))
        for path in files + hubs:
            found = path.stat()
            if (found.st_uid and path not in hubs) or stat.S_IMODE(found.st_mode) & 0o077:
                raise Failed(f"others may read {path}: chmod 600 {path}; give it a new secret")
        return "secrets are root's only"

    def visit(self):
        """A user can log in, start a server of each environment and run a cell."""
        images = json.loads((self.folder / "images.json").read_text())["images"]
        hub = f"km3net/hub:{images['km3net/hub']['tag']}"
        name = self.given["hub"]
        port = self.given["port"]
        shown = "" if port in (80, 443) else f":{port}"
        given = {
            "address": f"{'https' if self.given['tls'] else 'http'}://{name}{shown}",
            "name": self.given["account"],
            "site_proxy": self.given["site_proxy"],
            **self._key(),
            "environments": self.given["environments"],
        }
        bundle = Path("/etc/km3net/authorities.pem")
        text = next(path for path in AUTHORITIES if path.exists()).read_text()
        if self.given["authority"]:
            text += Path(self.given["authority"]).read_text()
        bundle.write_text(text)
        bundle.chmod(0o644)
        program = Path("/usr/local/lib/km3net/visit.py")
        done = run(
            "docker", "run", "--rm", "--interactive", "--network=host", "--read-only",
            "--cap-drop=ALL", "--add-host", f"{name}:127.0.0.1",
            "--env", "SSL_CERT_FILE=/authorities.pem",
            "--volume", f"{bundle}:/authorities.pem:ro", "--volume", f"{program}:/visit.py:ro",
            hub, "python", "/visit.py", text=json.dumps(given),
        )  # fmt: skip
        if done.returncode:
            lines = (done.stdout + done.stderr).strip().splitlines() or ["no reason given"]
            raise Failed(f"a user's visit failed: {lines[-1]} (docker logs {self.project}-hub)")
        return f"{self.given['account']} ran a cell in {', '.join(self.given['environments'])}"

    def _key(self):
        """What the check account comes in with: its password, or the hub's own token for it."""
        if self.given["login"] == "oidc":
            return {"token": (Path(self.given["state"]) / "secret-verify").read_text().strip()}
        return {"password": (self.folder / "secrets/check-password").read_text().strip()}


ALL = (
    "services", "containers", "images", "filters", "published", "web", "certificates", "disk",
    "backup", "secrets", "visit",
)  # fmt: skip


def metrics(found, began):
    """What was found, as Prometheus reads it; the sentence is a label of what failed."""
    lines = ["# HELP km3net_check 1 where a check of the host is good, 0 where it failed."]
    lines += ["# TYPE km3net_check gauge"]
    lines += [f'km3net_check{{check="{name}"}} {int(good)}' for name, (good, _) in found.items()]
    lines += [
        "# HELP km3net_check_failure What failed, in words.",
        "# TYPE km3net_check_failure gauge",
    ]
    for name, (good, said) in found.items():
        if not good:
            words = said.replace("\\", "/").replace('"', "'").replace("\n", " ")
            lines.append(f'km3net_check_failure{{check="{name}",said="{words}"}} 1')
    seconds = time.time() - began
    kind = "visit" if "visit" in found else "quick"
    lines.append(f'km3net_check_seconds{{kind="{kind}"}} {seconds:.1f}')
    lines.append(f'km3net_check_time_seconds{{kind="{kind}"}} {time.time():.0f}')
    return "\n".join(lines) + "\n"


def main():
    """Run the checks and say what each found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="nobody logs in")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--textfile", type=Path, help="write metrics for the node exporter")
    parser.add_argument("--only", action="append", choices=ALL, help="only this check")
    parser.add_argument("--skip", action="append", default=[], choices=ALL)
    asked = parser.parse_args()
    checks = Checks(json.loads(CONFIGURATION.read_text()))
    skipped = {*asked.skip, *(["visit"] if asked.quick else [])}
    found, began = {}, time.time()
    for name in asked.only or ALL:
        if name in skipped:
            continue
        try:
            found[name] = (True, getattr(checks, name)())
        except Failed as error:
            found[name] = (False, str(error))
        except (OSError, KeyError, ValueError, subprocess.TimeoutExpired) as error:
            found[name] = (False, f"could not be looked at ({error!r}): run the playbook site")
        if not asked.json:
            good, said = found[name]
            print(f"{'ok    ' if good else 'FAILED'}  {name}: {said}", flush=True)
    if asked.json:
        print(json.dumps({n: {"ok": good, "said": said} for n, (good, said) in found.items()}))
    if asked.textfile:
        draft = asked.textfile.with_suffix(".part")
        draft.write_text(metrics(found, began))
        draft.chmod(0o644)
        draft.rename(asked.textfile)
    sys.exit(0 if all(good for good, _ in found.values()) else 1)


if __name__ == "__main__":
    main()
