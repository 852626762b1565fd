"""The bill of materials: what is read from the layers, and that equal layers give equal bytes."""

import json
import subprocess

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from .conftest import ROOT

STATUS = """\
Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9+deb12u10
Description: a library
 of several lines

Package: removed
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: bash
Status: install ok installed
Architecture: amd64
Version: 1:5.2~rc1-2
"""


@pytest.fixture
def layers(tmp_path):
    site_packages = tmp_path / "layers/environment/opt/venv/lib/python3.11/site-packages"
    for name, version, metadata in (
        ("Some_Package", "1.0", "License-Expression: MIT OR Apache-2.0"),
        ("words", "2", "License: BSD"),
        ("trove", "3", "License: UNKNOWN\nClassifier: License :: OSI Approved :: MIT License"),
        ("wholetext", "4", "License: line one\n        line two"),
    ):
        folder = site_packages / f"{name}-{version}.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(
            f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n{metadata}\n"
        )
    linked = [
        {"type": "library", "name": "some_package", "version": "1.0"},
        {
            "type": "library",
            "name": "libgomp",
            "version": "8.5",
            "purl": "pkg:rpm/almalinux/libgomp@8.5",
            "author": "x",
        },
    ]
    (site_packages / "Some_Package-1.0.dist-info/sboms").mkdir()
    (site_packages / "Some_Package-1.0.dist-info/sboms/auditwheel.cdx.json").write_text(
        json.dumps({"bomFormat": "CycloneDX", "components": linked})
    )
    base = tmp_path / "layers/base"
    (base / "etc").mkdir(parents=True)
    (base / "etc/os-release").write_text('ID=debian\nVERSION_ID="12"\n')
    (base / "var/lib/dpkg").mkdir(parents=True)
    (base / "var/lib/dpkg/status").write_text(STATUS)
    installed = [
        {"metadata": {"name": name}, "download_info": {"archive_info": {"hashes": {"sha256": "ab" * 32}}}}
        for name in ("some-package", "words", "trove", "wholetext")
    ]
    (tmp_path / "report.json").write_text(json.dumps({"install": installed}))
    return tmp_path / "layers"


@pytest.fixture
def write(layers, python):
    def run(revision: str = "abc123") -> str:
        described = ["--version=1.2.3", f"--revision={revision}", "--created=2026-01-02T03:04:05Z"]
        command = [python, ROOT / "containers/xgboost/sbom.py", f"--layers={layers}", *described]
        report = f"--report={layers.parent / 'report.json'}"
        return subprocess.run([*command, report], check=True, capture_output=True, text=True).stdout

    return run


def test_it_is_valid(write):
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(write()) is None


def test_equal_layers_give_equal_bytes_and_a_number_of_their_own(write):
    first = write()
    assert write() == first
    assert json.loads(write("def456"))["serialNumber"] != json.loads(first)["serialNumber"]


def test_our_own_package_stands_with_version_and_commit(write):
    document = json.loads(write())
    own = document["components"][0]
    assert (own["name"], own["version"], own["pedigree"]) == (
        "fraudlab",
        "1.2.3",
        {"commits": [{"uid": "abc123"}]},
    )
    assert document["metadata"]["timestamp"] == "2026-01-02T03:04:05Z"
    references = [component["bom-ref"] for component in document["components"]]
    assert document["dependencies"] == [{"ref": "image", "dependsOn": references}]


def test_python_packages_have_purl_hash_and_licence(write):
    found = {c["name"]: c for c in json.loads(write())["components"] if c["bom-ref"].startswith("pkg:pypi/")}
    assert set(found) == {"Some_Package", "words", "trove", "wholetext"}
    package = found["Some_Package"]
    assert package["purl"] == "pkg:pypi/some-package@1.0"
    assert package["hashes"] == [{"alg": "SHA-256", "content": "ab" * 32}]
    assert package["licenses"] == [{"expression": "MIT OR Apache-2.0"}]
    assert found["words"]["licenses"] == [{"license": {"name": "BSD"}}]
    assert found["trove"]["licenses"] == [{"license": {"name": "MIT License"}}]
    assert "licenses" not in found["wholetext"]


def test_what_a_wheel_links_in_stands_below_it(write):
    (package,) = (c for c in json.loads(write())["components"] if c["name"] == "Some_Package")
    assert package["components"] == [
        {
            "type": "library",
            "bom-ref": "pkg:pypi/some-package@1.0#libgomp@8.5",
            "name": "libgomp",
            "version": "8.5",
            "purl": "pkg:rpm/almalinux/libgomp@8.5",
        }
    ]


def test_debian_packages_are_those_that_are_installed(write):
    purls = [c["purl"] for c in json.loads(write())["components"] if c["bom-ref"].startswith("pkg:deb/")]
    assert purls == [
        "pkg:deb/debian/bash@1%3A5.2~rc1-2?arch=amd64&distro=debian-12",
        "pkg:deb/debian/libc6@2.36-9%2Bdeb12u10?arch=amd64&distro=debian-12",
    ]


def test_a_python_that_no_package_stands_for_is_listed(write, layers):
    assert "pkg:generic/python" not in write()
    stdlib = layers / "base/usr/local/lib/python3.11"
    stdlib.mkdir(parents=True)
    (stdlib / "os.py").touch()
    assert '"pkg:generic/python@3' in write()


def test_a_package_pip_does_not_report_is_an_error(write, layers):
    (layers.parent / "report.json").write_text('{"install": []}')
    with pytest.raises(subprocess.CalledProcessError) as failed:
        write()
    assert "KeyError: 'some-package'" in failed.value.stderr
