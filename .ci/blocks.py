"""Run the code blocks of README, docs and other pages, so that what they say is true.

``sh``, ``bash`` and ``python`` blocks run in order, each with the checkout as its current folder; ``sh
docker`` blocks run only with ``--docker``, where an engine and the image are. ``python file=PATH`` is also
written to PATH before the other blocks of its file run. ``no-run: REASON`` is printed and not run.
``text``, ``json``, ``yaml`` and ``dockerfile`` are output. A block that names no language, and one that
fails, is an error that says which it is.

Usage: .venv/bin/python .ci/blocks.py [--docker] [FILE …]
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
SHELLS = ("sh", "bash")
OUTPUT = ("text", "json", "yaml", "dockerfile", "csv", "html", "http")
SECONDS = 3000
#: what blocks leave in the checkout
LEFT = ("ml", "my", "run.json", "scores.csv")
#: small runs: what is tested is that the words work, not the defaults' figures
DEFAULTS = """# @package _global_
data: {rows: 20000, fraud_rate: 0.01}
evaluation: {resamples: 100}
"""


class Block(NamedTuple):
    """A fenced block: where it is, what stands behind its fence, and what is in it."""

    file: str
    line: int
    info: str
    text: str

    @property
    def language(self) -> str:
        return self.info.split(" ")[0]

    @property
    def words(self) -> list[str]:
        return self.info.split(" ")[1:]

    @property
    def name(self) -> str:
        return f"{self.file}:{self.line} ({self.info or 'no language'})"


def blocks(file: Path) -> list[Block]:
    """Every fenced block of a Markdown file; one that is never closed ends with the file."""
    found: list[Block] = []
    fence, line, info, lines = "", 0, "", []
    for number, text in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        opening = re.match(r" *(`{3,}|~{3,})(.*)$", text)
        if not fence and opening:
            fence, line, info, lines = opening[1], number, opening[2].strip(), []
        elif fence and opening and opening[1].startswith(fence) and not opening[2].strip():
            found.append(Block(str(file.relative_to(ROOT)), line, info, "\n".join(lines) + "\n"))
            fence = ""
        elif fence:
            lines.append(text)
    if fence:
        found.append(Block(str(file.relative_to(ROOT)), line, info, "\n".join(lines) + "\n"))
    return found


def what_to_do(block: Block, *, docker: bool) -> str:
    """``run``, or why it is not run; ``error: …`` where it must be mended."""
    if "no-run:" in block.words:
        reason = block.info.partition("no-run:")[2].strip()
        return f"not run: {reason}" if reason else "error: no-run: needs a reason"
    if block.language in OUTPUT:
        return "output"
    if block.language not in (*SHELLS, "python"):
        return "error: say its language, or text where it is output"
    unknown = [word for word in block.words if word != "docker" and not word.startswith("file=")]
    if unknown:
        return f"error: {unknown[0]!r} means nothing here"
    if ("docker" in block.words) != docker:
        return "not run: needs Docker" if not docker else "not run: runs without Docker"
    return "run"


def run(block: Block) -> tuple[int, str]:
    """Exit code and output of a block."""
    if block.language == "python":
        command = [sys.executable, "-W", "ignore", "-c", block.text]
    else:
        command = ["bash", "-eo", "pipefail", "-c", f'PATH="$PWD/.venv/bin:$PATH"\n{block.text}']
    try:
        done = subprocess.run(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, encoding="utf-8", errors="replace", timeout=SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return 1, f"no end after {SECONDS} s"
    return done.returncode, done.stdout


def prepare() -> list[Path]:
    """Make the files that blocks speak of, as far as they are not there; returns what was made."""
    import numpy as np
    import pandas as pd

    made: list[Path] = []

    def make(name: str) -> Path | None:
        path = ROOT / name
        if path.exists():
            return None
        path.parent.mkdir(parents=True, exist_ok=True)
        made.append(path)
        return path

    random = np.random.default_rng(7)
    rows = 4000
    if path := make("my.parquet"):
        amount = random.lognormal(3, 1, rows)
        pd.DataFrame(
            {
                "tx_id": np.arange(rows), "ts": 1_700_000_000 + 300 * np.arange(rows), "amount": amount,
                "note": "text", "country": random.choice(["DE", "FR", "IT"], rows),
                "channel": random.choice(["web", "shop"], rows), "hour": random.integers(0, 24, rows),
                "is_fraud": (random.random(rows) < 0.02 + 0.2 * (amount > 80)).astype(int),
            }
        ).to_parquet(path)  # fmt: skip
    if path := make("my.csv"):
        table = np.column_stack([random.integers(0, 2, 500), random.random((500, 4)).round(3)])
        path.write_text("".join(",".join(map(str, row)) + "\n" for row in table.tolist()))
    if path := make("transactions.csv"):
        table = pd.DataFrame(random.normal(size=(20, 28)), columns=[f"V{n}" for n in range(1, 29)])
        table["Amount"] = random.lognormal(3, 1, 20)
        table.to_csv(path, index=False)
    if path := make("conf/local/local.yaml"):
        path.write_text(DEFAULTS)
    return made


def pages() -> list[Path]:
    """Whatever has blocks: README first, whose blocks later pages build on."""
    return [
        ROOT / "README.md",
        *sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")} - {ROOT / "README.md"}),
    ]


def main(words: list[str]) -> int:
    """Run what should run; 1 where anything failed."""
    docker = "--docker" in words
    names = [word for word in words if word != "--docker"]
    files = [Path(name).resolve() for name in names] or pages()
    before = {path.name for path in ROOT.iterdir()}
    made = prepare()
    failed: list[str] = []
    count = 0
    for file in files:
        found = blocks(file)
        for block in found:
            for word in block.words:
                if word.startswith("file=") and what_to_do(block, docker=False) == "run":
                    path = ROOT / word.removeprefix("file=")
                    path.parent.mkdir(parents=True, exist_ok=True)
                    with path.open("a" if path in made else "w", encoding="utf-8") as stream:
                        stream.write(block.text)
                    made.append(path)
        for block in found:
            todo = what_to_do(block, docker=docker)
            if todo != "run":
                print(f"blocks: {block.name}: {todo}", flush=True)
                failed += [f"{block.name}: {todo}"] if todo.startswith("error") else []
                continue
            began = time.monotonic()
            code, output = run(block)
            count += 1
            print(f"blocks: {block.name}: exit {code}, {time.monotonic() - began:.0f} s", flush=True)
            if code != 0:
                failed.append(f"{block.name}: exit {code}")
                print(block.text + "--- it printed:\n" + "\n".join(output.splitlines()[-300:]), flush=True)
    for path in {*made, *(ROOT / name for name in LEFT if name not in before)}:
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    print(f"blocks: {count} run, {len(failed)} failed", *failed, sep="\n  ", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
