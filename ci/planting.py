"""A copy of the tree with switches in the engine, and runs of the scenarios with one of them on.

Used by ci/planted-defects and ci/mutants. Every wrong engine is behind a switch of its own that an environment variable
of the worker turns on. So the copy is built once, and the ordinary sources and programs contain nothing of it.
"""

import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SWITCH = "OMNIGRAPH_PLANTED_DEFECT"
# One seed for every run: what is found today must be found tomorrow.
SEED = "20261122"

SWITCHES = f'''//! Planted defects: switches that exist in this copy of the tree alone.

/// Whether the defect of that name is switched on.
pub(crate) fn planted(name: &str) -> bool {{
    static CHOSEN: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    CHOSEN.get_or_init(|| std::env::var("{SWITCH}").ok()).as_deref() == Some(name)
}}
'''


class Trouble(Exception):
    """What stops the whole thing, in one sentence."""


def switch(name: str) -> str:
    """The expression that is true when a switch is on."""
    return f'crate::defect::planted("{name}")'


def source(file: str) -> str:
    """A file of the tree; nothing where there is none."""
    path = ROOT / file
    return path.read_text() if path.is_file() else ""


def home(name: str, variable: str) -> Path:
    """Where a copy and its build live: in $variable, by default below cargo's target directory."""
    default = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target") / name
    return Path(os.environ.get(variable) or default).absolute()


def copy_tree(to: Path, planted: dict[str, str]) -> None:
    """Copies what git knows or would add. A file that is the same stays untouched, so that little is built again."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True,
    ).stdout.decode()
    names = {name for name in listed.split("\0") if name and (ROOT / name).is_file()}
    library = "engine/src/lib.rs"
    planted = {
        **planted,
        "engine/src/defect.rs": SWITCHES,
        library: planted.get(library, source(library)) + "\nmod defect;\n",
    }
    for name in names | set(planted):
        content = planted[name].encode() if name in planted else (ROOT / name).read_bytes()
        path = to / name
        if path.is_file() and path.read_bytes() == content:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for path in [path for path in to.rglob("*") if path.is_file()]:
        if str(path.relative_to(to)) not in names | set(planted):
            path.unlink()


def cargo(tree: Path, target: Path, *arguments: str, **options) -> subprocess.CompletedProcess:
    """Runs cargo in the copy, with a target directory of its own: these programs must never be taken for sound ones."""
    environment = {**os.environ, "CARGO_TARGET_DIR": str(target)}
    return subprocess.run(["cargo", *arguments], cwd=tree, env=environment, check=False, **options)


def switched(name: str | None) -> dict[str, str]:
    """The environment with that switch on, or with none."""
    environment = {key: value for key, value in os.environ.items() if key != SWITCH}
    return {**environment, SWITCH: name} if name else environment


@dataclass
class Finding:
    """One scenario that is red although the engine alone is at fault."""

    scenario: str
    invariants: list[str]


@dataclass
class Hunt:
    """What a run of all scenarios found."""

    findings: list[Finding]
    first_seconds: float | None
    seconds: float


def run_part(
    tree: Path, program: Path, name: str | None, first: bool, *more: str
) -> tuple[list[Finding], float | None, float]:
    """What one run found, the seconds until the first of it, and those that the run took."""
    events = program.parent.parent / f"events-{os.getpid()}.jsonl"
    command = [
        str(program), "run", "--backend", "memory", "--without-tag", "canary", "--seed", SEED, "--format", "quiet",
        "--json-lines", str(events), "--bundle-dir", str(program.parent.parent / "bundles"), *more,
    ]
    if first:
        command += ["--max-fail", "1"]
    begun = time.monotonic()
    done = subprocess.run(command, cwd=tree, env=switched(name), capture_output=True, text=True, check=False)
    seconds = time.monotonic() - begun
    # 4: nothing was selected, such as when the scenarios that are asked for are no races.
    if done.returncode not in (0, 1, 3, 4):
        raise Trouble(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    findings, first_seconds = [], None
    for line in events.read_text().splitlines() if done.returncode != 4 else []:
        record = json.loads(line)
        if record["event"] != "cell-finished":
            continue
        verdict = record["verdict"]
        match verdict["verdict"]:
            case "broken":
                invariants = [breach["invariant"] for breach in verdict["breaches"]]
            case "not-exercised":
                invariants = ["every-armed-fault-fired"]
            case "inconclusive":
                invariants = ["an answer within the limits"]
            case _:
                continue
        findings.append(Finding(record["cell"]["scenario"], list(dict.fromkeys(invariants))))
        if first_seconds is None:
            first_seconds = record["elapsed_ms"] / 1000
    return findings, first_seconds, seconds


def hunt(tree: Path, program: Path, name: str | None, first: bool, *more: str) -> Hunt:
    """Runs the scenarios on memory with one switch on, or with none. The races are three quarters of all cells and come last:
    only where nothing else has found anything. `first`: until one is red.

    Without the canaries: they are red on a sound engine, too, so one shows nothing.
    """
    findings: list[Finding] = []
    first_seconds, seconds = None, 0.0
    for part in (["--without-tag", "races"], ["--tag", "races"]):
        found, first_of_part, took = run_part(tree, program, name, first, *part, *more)
        if first_seconds is None and first_of_part is not None:
            first_seconds = seconds + first_of_part
        findings += found
        seconds += took
        if findings:
            break
    findings.sort(key=lambda finding: finding.scenario)
    return Hunt(findings, first_seconds, seconds)
