"""Writes the image's bill of materials (CycloneDX 1.6, JSON) from what its layers hold, without network.

Components: our own package; every Python distribution of the environment, with the SHA-256 of the file it was
installed from and whatever its wheel says is linked into it; Debian's packages; and Python, where it is none
of those. Equal layers give equal bytes. Standard library only: it runs while the image is built.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import sys
import uuid
from collections.abc import Iterator
from email.parser import HeaderParser
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

Component = dict[str, Any]
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:fraudlab:sbom")


def main() -> None:
    """Write the bill of materials of the layers to standard output."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--layers", type=Path, required=True, help="folder with base/, environment/ and code/"
    )
    parser.add_argument("--report", type=Path, required=True, help="pip's installation report")
    parser.add_argument("--version", required=True)
    parser.add_argument("--revision", required=True)
    parser.add_argument("--created", required=True, help="RFC 3339")
    options = parser.parse_args()
    base = options.layers / "base"
    (site_packages,) = options.layers.glob("environment/opt/venv/lib/python3.*/site-packages")
    bill = bill_of_materials(
        [
            *python_packages(site_packages, downloads(options.report)),
            *interpreter(base),
            *debian_packages(base),
        ],
        version=options.version,
        revision=options.revision,
        created=options.created,
    )
    json.dump(bill, sys.stdout, indent=1, ensure_ascii=False)
    print()


def bill_of_materials(
    components: list[Component], *, version: str, revision: str, created: str
) -> dict[str, Any]:
    """The document around the components.

    Parameters
    ----------
    components : list of dict
        All but our own package.
    version, revision, created : str
        Ours, the commit, and that commit's time.
    """
    licenses = [{"expression": "Apache-2.0"}]
    own: Component = {
        "type": "application",
        "bom-ref": "fraudlab",
        "name": "fraudlab",
        "version": version,
        "licenses": licenses,
        "pedigree": {"commits": [{"uid": revision}]},
    }
    image: Component = {
        "type": "container",
        "bom-ref": "image",
        "name": "fraudlab-xgboost",
        "version": version,
        "licenses": licenses,
    }
    references = [own["bom-ref"], *(component["bom-ref"] for component in components)]
    bill: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"timestamp": created, "component": image},
        "components": [own, *components],
        "dependencies": [{"ref": image["bom-ref"], "dependsOn": references}],
    }
    return {"serialNumber": uuid.uuid5(_NAMESPACE, json.dumps(bill, sort_keys=True)).urn, **bill}


def downloads(report: Path) -> dict[str, str]:
    """The SHA-256 of the file each distribution was installed from, by normalised name, as pip reports it."""
    return {
        normalised(entry["metadata"]["name"]): entry["download_info"]["archive_info"]["hashes"]["sha256"]
        for entry in json.loads(report.read_text(encoding="utf-8"))["install"]
    }


def python_packages(site_packages: Path, hashes: dict[str, str]) -> Iterator[Component]:
    """The distributions in a folder, with what their wheels declare to be linked in (PEP 770)."""
    found = distributions(path=[str(site_packages)])
    for distribution in sorted(found, key=lambda found: normalised(found.name)):
        name, version = normalised(distribution.name), distribution.version
        component = {
            "type": "library",
            "bom-ref": f"pkg:pypi/{name}@{version}",
            "name": distribution.name,
            "version": version,
            "hashes": [{"alg": "SHA-256", "content": hashes[name]}],
            **_licenses(distribution),
            "purl": f"pkg:pypi/{name}@{version}",
        }
        linked = list(_linked(site_packages, distribution, component["bom-ref"]))
        yield {**component, "components": linked} if linked else component


def interpreter(base: Path) -> Iterator[Component]:
    """Python itself, where it was built from source and no package of Debian's stands for it."""
    if list(base.glob("usr/local/lib/python3.*/os.py")):
        version = platform.python_version()
        yield {
            "type": "platform",
            "bom-ref": f"pkg:generic/python@{version}",
            "name": "python",
            "version": version,
            "licenses": [{"license": {"id": "PSF-2.0"}}],
            "purl": f"pkg:generic/python@{version}",
        }


def debian_packages(base: Path) -> Iterator[Component]:
    """The packages dpkg knows as installed."""
    release = dict(
        line.partition("=")[::2]
        for line in (base / "etc/os-release").read_text(encoding="utf-8").splitlines()
    )
    distribution = "debian-" + release["VERSION_ID"].strip('"')
    status = (base / "var/lib/dpkg/status").read_text(encoding="utf-8")
    for stanza in sorted(status.strip().split("\n\n")):
        fields = HeaderParser().parsestr(stanza)
        if fields["Status"] != "install ok installed":
            continue
        name, version, architecture = fields["Package"], fields["Version"], fields["Architecture"]
        purl = f"pkg:deb/debian/{name}@{_quoted(version)}?arch={architecture}&distro={distribution}"
        yield {
            "type": "library",
            "bom-ref": purl,
            "name": name,
            "version": version,
            "purl": purl,
        }


def normalised(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _licenses(distribution: Distribution) -> dict[str, Any]:
    """What the metadata says of the licence: an SPDX expression, or failing that words."""
    metadata = distribution.metadata
    if "License-Expression" in metadata:
        return {"licenses": [{"expression": metadata["License-Expression"]}]}
    trove = [
        classifier.rpartition(" :: ")[2]
        for classifier in metadata.get_all("Classifier") or []
        if classifier.startswith("License :: ") and not classifier.endswith("OSI Approved")
    ]
    words = metadata["License"].strip() if "License" in metadata else ""
    # Some put the whole text there.
    names = trove or ([words] if words and "\n" not in words and len(words) < 100 else [])
    return {"licenses": [{"license": {"name": name}} for name in names]} if names else {}


def _linked(site_packages: Path, distribution: Distribution, parent: str) -> Iterator[Component]:
    """The libraries a wheel declares as linked into it, with references that are unique here."""
    own = normalised(distribution.name)
    seen = set()
    for metadata in site_packages.glob("*.dist-info"):
        if normalised(metadata.name.partition("-")[0]) != own:
            continue
        for document in sorted(metadata.glob("sboms/*.json")):
            for component in json.loads(document.read_text(encoding="utf-8")).get("components", []):
                key = component["name"], component["version"]
                if normalised(component["name"]) == own or key in seen:
                    continue
                seen.add(key)
                kept = {
                    field: component[field] for field in ("hashes", "licenses", "purl") if field in component
                }
                yield {
                    "type": component["type"],
                    "bom-ref": f"{parent}#{component['name']}@{component['version']}",
                    "name": component["name"],
                    "version": component["version"],
                    **kept,
                }


def _quoted(version: str) -> str:
    return version.replace("+", "%2B").replace(":", "%3A")


if __name__ == "__main__":
    main()
