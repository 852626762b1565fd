"""The image as a product: what it says of itself, what is in it, and what is not."""

from __future__ import annotations

import json
import os
import re
import subprocess
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

import fraudlab
from fraudlab.backends.docker_engine import default_image
from fraudlab.cli import main

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("docker_engine")]

ROOT = Path(__file__).parents[2]
IMAGE = os.environ.get("FRAUDLAB_TEST_IMAGE") or default_image()
LABEL = "org.opencontainers.image."
STRICT = ("--user=12345:12345", "--read-only", "--tmpfs=/tmp", "--network=none", "--cap-drop=ALL")
PROCESSES = """
import glob, json
print(json.dumps([open(path).read().split(chr(0)) for path in glob.glob("/proc/[0-9]*/cmdline")]))
"""
SMALL = ["backend=process", "tracking=off", "data.rows=20000", "data.fraud_rate=0.01", "model.num_round=8"]


def docker(*words: str, data: str | None = None) -> str:
    done = subprocess.run(
        ["docker", *words], input=data, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"docker {words[0]}: {done.stderr}"
    return done.stdout


def inside(code: str, *options: str) -> Any:
    """What Python code prints in the image, as JSON."""
    options = options or STRICT
    return json.loads(
        docker(
            "run", "--rm", "-i", *options, "--entrypoint=python", IMAGE, "-P", "-", data=textwrap.dedent(code)
        )
    )


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    return json.loads(docker("image", "inspect", IMAGE))[0]


@pytest.fixture(scope="module")
def bill() -> dict[str, Any]:
    return inside("print(open('/opt/fraudlab/sbom.cdx.json').read())")


@pytest.fixture(scope="module")
def files() -> dict[str, tuple[int, int]]:
    """Mode and size of every path of the image."""
    return inside(
        """
        import json, os
        found = {}
        for folder, folders, names in os.walk("/"):
            folders[:] = [name for name in folders if folder != "/" or name not in ("proc", "sys", "dev")]
            for path in (os.path.join(folder, name) for name in folders + names):
                status = os.lstat(path)
                found[path] = status.st_mode, status.st_size
        print(json.dumps(found))
        """,
        "--read-only",
        "--network=none",
    )


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("startup")
    assert main(["train", *SMALL, f"paths.runs={folder}", "run.id=small"]) == 0
    return folder / "small/model"


# --- what it says of itself


def test_labels_are_those_of_the_repository(config):
    labels = {key.removeprefix(LABEL): value for key, value in config["Config"]["Labels"].items()}
    sources = [
        "src/fraudlab/__init__.py",
        "src/fraudlab/_version.py",
        "src/fraudlab/container",
        "src/fraudlab/evaluation",
        "containers",
    ]
    git = [
        "git",
        "-C",
        ROOT,
        "log",
        "-1",
        "--date=format-local:%Y-%m-%dT%H:%M:%SZ",
        "--format=%H %cd",
        "--",
        *sources,
    ]
    utc = {**os.environ, "TZ": "UTC"}
    commit, created = subprocess.run(git, check=True, capture_output=True, text=True, env=utc).stdout.split()
    changed = subprocess.run(
        ["git", "-C", ROOT, "status", "--porcelain", "--", *sources],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert labels["title"] == "fraudlab-xgboost"
    assert labels["version"] == fraudlab.__version__
    assert labels["revision"] == commit + ("-dirty" if changed else ""), "not of these sources: make image"
    assert labels["created"] == created
    assert labels["licenses"] == "Apache-2.0"
    assert labels["description"] == "Process, train and serve fraud models on the SageMaker contract"
    base = json.loads(docker("image", "inspect", labels["base.name"]))[0]
    known = {base["Id"], *(digest.partition("@")[2] for digest in base["RepoDigests"])}
    assert labels["base.digest"] in known


def test_train_is_the_default_and_nothing_stands_before_it(config):
    assert config["Config"]["Cmd"] == ["train"]
    assert not config["Config"].get("Entrypoint")
    assert list(config["Config"]["ExposedPorts"]) == ["8080/tcp"]


def test_it_is_small(config):
    assert config["Size"] <= 420e6


# --- the bill of materials


def test_the_bill_is_valid_and_is_what_make_image_wrote_beside_it(bill):
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill)) is None
    if default_image() == IMAGE:
        assert json.loads((ROOT / "build/sbom.cdx.json").read_text()) == bill


def test_the_bill_names_our_version_and_commit(bill, config):
    (own,) = (component for component in bill["components"] if component["name"] == "fraudlab")
    labels = config["Config"]["Labels"]
    assert own["version"] == labels[LABEL + "version"]
    assert own["pedigree"]["commits"] == [{"uid": labels[LABEL + "revision"]}]
    assert bill["metadata"]["timestamp"] == labels[LABEL + "created"]


def test_the_bill_lists_every_python_package_that_can_be_imported_and_no_other(bill):
    listed = {c["purl"] for c in bill["components"] if c.get("purl", "").startswith("pkg:pypi/")}
    found = inside(
        """
        import importlib.metadata, json, pkgutil, re, sys
        normal = lambda name: re.sub("[-_.]+", "-", name).lower()
        installed = {f"pkg:pypi/{normal(d.name)}@{d.version}" for d in importlib.metadata.distributions()}
        owned = importlib.metadata.packages_distributions()
        ours = [path for path in sys.path if path.startswith("/opt/")]
        modules = {module.name for module in pkgutil.iter_modules(ours)}
        print(json.dumps([sorted(installed), sorted(modules - owned.keys())]))
        """
    )
    assert set(found[0]) == listed
    assert found[1] == ["fraudlab"]


def test_the_hashes_of_the_bill_are_those_of_the_lock(bill):
    lock = (ROOT / "containers/xgboost/requirements.txt").read_text()
    locked = {
        (name, version): set(re.findall(r"sha256:(\w{64})", rest))
        for name, version, rest in re.findall(r"^([\w.-]+)==([^ ;\\]+)((?:.*\\\n)+.*)$", lock, re.MULTILINE)
    }
    packages = [c for c in bill["components"] if c.get("purl", "").startswith("pkg:pypi/")]
    assert len(packages) > 10
    for package in packages:
        name = package["purl"].removeprefix("pkg:pypi/").partition("@")[0]
        (digest,) = package["hashes"]
        assert digest["content"] in locked[name, package["version"]], name


def test_the_bill_lists_debians_packages(bill):
    listed = {
        (c["name"], c["version"]) for c in bill["components"] if c.get("purl", "").startswith("pkg:deb/")
    }
    status = inside("import json; print(json.dumps(open('/var/lib/dpkg/status').read()))")
    installed = set(re.findall(r"^Package: (\S+)\n(?:.*\n)*?Version: (\S+)$", status, re.MULTILINE))
    assert {"libc6", "ca-certificates"} <= {name for name, _ in listed}
    assert listed == installed


# --- nothing that was dropped is missed


def test_every_module_of_ours_and_what_it_needs_can_be_imported():
    failed = inside(
        """
        import importlib, json, pkgutil, sys
        from fraudlab.container.runtime import lean_xgboost
        with lean_xgboost():
            import xgboost
        import fraudlab.container, fraudlab.evaluation
        names = [m.name for p in (fraudlab.container, fraudlab.evaluation)
                 for m in pkgutil.walk_packages(p.__path__, p.__name__ + ".")
                 if not m.name.endswith("__main__")]
        names += ["sklearn.model_selection", "psutil", "orjson", "uvloop", "httptools",
                  "prometheus_client", "pyarrow.csv", "pyarrow.parquet", "pyarrow.compute", "pyarrow.dataset",
                  "pyarrow.feather", "pyarrow.json", "xgboost.collective", "xgboost.tracker"]
        # What is left of the pruned packages is whole: a hook may use any of it.
        import numpy, scipy, sklearn
        for package in (numpy, scipy, sklearn):
            names += [m.name for m in pkgutil.iter_modules(package.__path__, package.__name__ + ".")
                      if m.ispkg and not m.name.rpartition(".")[2].startswith("_")]
        failed = {}
        for name in names:
            try:
                importlib.import_module(name)
            except Exception as error:
                failed[name] = repr(error)
        print(json.dumps([len(names), failed]))
        """
    )
    assert failed[0] > 60
    # These two import numpy.testing's needs, which no image has.
    assert {name: error for name, error in failed[1].items() if "pytest" not in error} == {}


def test_every_library_finds_what_it_links_to():
    checked, failed = inside(
        """
        import ctypes, json, pathlib, sys
        files = [f for root in ("/opt/venv", "/usr/lib", "/usr/local/lib")
                 for f in pathlib.Path(root).rglob("*.so*") if not f.is_symlink()
                 and f.read_bytes()[:4] == b"\\x7fELF" and "gconv" not in str(f)]
        failed = {}
        for file in files:
            try:
                ctypes.CDLL(str(file))
            except OSError as error:
                # An extension module that relies on another one having been loaded.
                if "undefined symbol" not in str(error):
                    failed[str(file)] = str(error)
        print(json.dumps([len(files), failed]))
        """
    )
    assert checked > 150
    assert failed == {}


def test_every_program_finds_its_libraries(files):
    programs = [
        path
        for path, (mode, _) in files.items()
        if re.match(r"/(usr/)?(s?bin|local/s?bin)/", path) and mode & 0o111 and mode & 0o170000 == 0o100000
    ]
    missing = docker(
        "run",
        "--rm",
        *STRICT,
        "--entrypoint=sh",
        IMAGE,
        "-c",
        'ldd "$@" 2>&1 | grep "not found"; true',
        "-",
        *programs,
    )
    assert len(programs) > 50
    assert missing == ""


def test_no_stdlib_module_a_job_could_want_is_gone():
    gone = inside(
        """
        import importlib, json, sys
        gone = []
        for name in sorted(sys.stdlib_module_names - {"antigravity", "this", "idlelib"}):
            try:
                importlib.import_module(name)
            except ImportError:
                gone.append(name)
        print(json.dumps(gone))
        """
    )
    assert set(gone) <= {
        *("ensurepip", "lib2to3", "nis", "pydoc_data", "tkinter", "turtle", "turtledemo", "_tkinter"),
        *(
            "_gdbm",
            "_dbm",
            "_msi",
            "_overlapped",
            "_scproxy",
            "_winapi",
            "msilib",
            "msvcrt",
            "nt",
            "winreg",
            "winsound",
        ),
    }


def test_licences_stay():
    without, wheels = inside(
        """
        import glob, json, os
        from email.parser import HeaderParser
        # Packages of one source share its licences, and some leave the file to a sibling.
        sources = {}
        for stanza in open("/var/lib/dpkg/status").read().strip().split("\\n\\n"):
            fields = HeaderParser().parsestr(stanza)
            source = fields.get("Source", fields["Package"]).split()[0]
            sources.setdefault(source, []).append(fields["Package"])
        present = lambda name: os.path.exists(f"/usr/share/doc/{name}/copyright")
        print(json.dumps([
            [source for source, names in sources.items() if not any(map(present, names))],
            len(glob.glob("/opt/venv/lib/*/site-packages/*.dist-info/**/LICEN*", recursive=True)),
        ]))
        """
    )
    assert without == []
    assert wheels > 20


# --- nothing an intruder would like is there


def test_no_file_changes_who_one_is(files):
    assert [path for path, (mode, _) in files.items() if mode & 0o6000 and mode & 0o170000 == 0o100000] == []


def test_only_temporary_folders_are_anybodys_to_write(files):
    writable = {p for p, (mode, _) in files.items() if mode & 0o002 and mode & 0o170000 != 0o120000}
    assert writable <= {"/tmp", "/var/tmp", "/run/lock", "/var/lock"}


@pytest.mark.parametrize(
    "name",
    [
        "apt",
        "apt-get",
        "dpkg",
        "perl",
        "pip",
        "pip3",
        "su",
        "mount",
        "passwd",
        "login",
        "gcc",
        "strip",
        "openssl",
        "curl",
    ],
)
def test_no_program_to_install_or_to_become_somebody(files, name):
    assert [path for path in files if path.endswith(f"bin/{name}")] == []


def test_no_cache_and_nothing_of_the_build(files):
    left = re.compile(
        r"/(root/\.|build/|layers|run/secrets|var/cache/.|var/lib/apt|var/log/.|etc/apt|opt/ml)"
    )
    assert [path for path in files if left.match(path)] == []


def test_no_pip_in_the_environment():
    code = (
        "import importlib.util as u, json; print(json.dumps([u.find_spec(n) for n in ('pip', 'ensurepip')]))"
    )
    assert inside(code) == [None, None]


def test_no_secret_is_in_the_configuration_or_the_history(config):
    words = re.compile(r"(?i)secret|token|passw|api_?key|BEGIN .*KEY|proxy")
    assert [variable for variable in config["Config"]["Env"] if words.search(variable)] == []
    history = docker("history", "--no-trunc", "--format={{.CreatedBy}}", IMAGE)
    assert [line for line in history.splitlines() if words.search(line)] == []


def test_no_certificate_of_the_machine_that_built_it_is_trusted():
    trusted, foreign = inside(
        """
        import json, pathlib, re
        def certificates(files):
            return {c for f in files for c in re.findall("-----BEGIN CERTIFICATE-----[^-]+", f.read_text())}
        bundle = certificates([pathlib.Path("/etc/ssl/certs/ca-certificates.crt")])
        debians = certificates(pathlib.Path("/usr/share/ca-certificates").rglob("*.crt"))
        print(json.dumps([len(bundle), sorted(bundle - debians)]))
        """
    )
    assert trusted > 100
    assert foreign == []


# --- it starts fast


def test_everything_is_compiled_for_good():
    """A root that cannot be written to would compile at every start; a time in the bytecode would differ."""
    missing, checked = inside(
        """
        import importlib.util, json, pathlib
        missing, checked = [], 0
        for root in ("/opt", "/usr/lib/python3.11", "/usr/local/lib/python3.11"):
            for source in pathlib.Path(root).rglob("*.py"):
                compiled = pathlib.Path(importlib.util.cache_from_source(str(source)))
                # 1: a hash instead of a time, which is never compared
                if not compiled.is_file() or compiled.read_bytes()[4] != 1:
                    missing.append(str(source))
                checked += 1
        print(json.dumps([missing, checked]))
        """
    )
    assert checked > 1500
    assert missing == []


def test_the_server_is_process_1_and_no_shell_was_in_its_way(model):
    name = f"fraudlab-process-1-{os.getpid()}"
    docker(
        "run",
        "--detach",
        f"--label=org.fraudlab.test={os.getpid()}",
        "--name",
        name,
        *STRICT,
        f"--volume={model}:/opt/ml/model:ro",
        IMAGE,
        "serve",
    )
    try:
        seen: list[list[str]] = []
        for _ in range(300):
            seen += json.loads(docker("exec", name, "python", "-IS", "-c", PROCESSES))
            if "serving" in docker("logs", name):
                break
            time.sleep(0.1)
        others = {tuple(words[:3]) for words in seen if "-IS" not in words}
        assert others == {("/opt/venv/bin/python", "-P", "/usr/local/bin/serve")}
    finally:
        docker("rm", "--force", name)
