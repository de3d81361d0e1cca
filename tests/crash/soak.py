"""Kill Sluice at random moments, again and again, and see that nothing is lost.

    python tests/crash/soak.py [--rounds N] [--seed N] [--only KIND]

Each round starts a run, kills something at a random moment, looks at what is left, and resumes. All rounds share one
folder of records, so that each starts from what the crashes before it left behind. What must hold afterwards is in
`check`; what can be killed is the table `KINDS`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from world import STEPS, Sidecar, World, answer, is_alive, kill, wait

Pause = Callable[[], None]
JUMP = Path(__file__).parent / "jump.mjs"


#: whether steps are forked from warm workers there, and variables besides
PLACES: dict[str, tuple[bool, dict[str, str]]] = {
    "cold": (False, {}),
    "warm": (True, {}),
    "jumps": (True, {"NODE_OPTIONS": f"--import={JUMP}"}),
}


def kill_each(pids: list[int]) -> int:
    return sum(kill(pid) for pid in pids)


def by_command(world: World, salt: int, pause: Pause, victims: Callable[[World], list[int]]) -> int:
    """Start the command, and kill what ``victims`` names after a while. Returns how many were killed."""
    process = world.start(salt)
    pause()
    killed = kill_each(victims(world))
    process.wait(60)
    return killed


def by_sidecar(world: World, salt: int, pause: Pause, victims: Callable[[World], list[int]]) -> int:
    sidecar = Sidecar(world)
    sidecar.submit(salt)
    pause()
    killed = kill_each(victims(world))
    sidecar.leave()
    sidecar.process.wait(60)
    return killed


def by_jupyter(world: World, salt: int, pause: Pause, victims: Callable[[World], list[int]]) -> int:
    """Jupyter dies; a second sidecar, of the next Jupyter, finds the run and watches it to its end."""
    first = Sidecar(world)
    run = first.submit(salt)
    pause()
    first.leave()
    second = Sidecar(world)
    wait(lambda: second.call("GET", f"/runs/{run}")["state"] in ("succeeded", "failed"), 60, "the run’s end, seen by another server")
    second.leave()
    second.process.wait(30)
    return 1


def everything(world: World) -> list[int]:
    """The owners first: what they would write about the others’ deaths is lost as well."""
    return [*world.commands(), *world.sidecars(), *world.waiters(), *world.steps(), *world.warm(), *world.spares()]


def fill_disk(base: Path, chance: random.Random) -> int:
    """The disk of the records is full at some moment of a run; when it has room again, nothing is lost. Returns
    whether the run needed more room than there was.
    """
    folder = base / f"full{chance.randrange(10**9)}"
    home = folder / "home"
    home.mkdir(parents=True)
    size = chance.randrange(300, 2500)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}k", "sluice-soak", str(home)], check=True)
    world = World(folder / "world", home, warm=chance.random() < 0.5)
    try:
        said = world.sluice("run", "a.ipynb", "-p", "salt=7")
        assert "    at " not in said.stderr, f"a stack instead of a sentence: {said.stderr}"
        if said.returncode:
            assert "disk is full" in (said.stdout + said.stderr) or "No space left" in said.stdout, f"{size} kB: {said.stdout}{said.stderr}"
        subprocess.run(["mount", "-o", "remount,size=200m", str(home)], check=True)
        check(world, 7)
        return int(said.returncode != 0)
    finally:
        world.end()
        subprocess.run(["umount", "-l", str(home)], check=True)


def can_mount() -> bool:
    """Whether we may mount a small disk; where not, none is filled."""
    with tempfile.TemporaryDirectory() as folder:
        if os.geteuid() == 0 and subprocess.run(["mount", "-t", "tmpfs", "probe", folder], capture_output=True).returncode == 0:
            subprocess.run(["umount", folder], check=True)
            return True
    return False


def one(pids: list[int]) -> list[int]:
    return pids[:1]


#: name, how the run is started, what is killed
KINDS: dict[str, tuple[Callable[..., int], Callable[[World], list[int]]]] = {
    "command": (by_command, World.commands),
    "shell": (by_command, World.waiters),
    "everything": (by_command, everything),
    "sidecar": (by_sidecar, World.sidecars),
    "jupyter": (by_jupyter, lambda world: []),
    "worker": (by_command, World.warm),
    "step": (by_command, lambda world: one(world.steps())),
    "sidecar and steps": (by_sidecar, everything),
    "step of the sidecar": (by_sidecar, lambda world: one(world.steps())),
}


FULL = "full disk"


def check(world: World, salt: int) -> None:
    """Everything that must hold after a crash, and after what was cut off has been resumed."""
    wait(lambda: not [*world.steps(), *world.commands(), *world.sidecars(), *world.waiters()], 60, "the last process’s end")
    before = world.run_of(salt)
    done: set[str] = set()
    if before is not None:
        assert before["state"] in ("succeeded", "failed"), f"the run’s end is not recorded: {before['state']}"
        assert before["state"] == "succeeded" or before.get("reason"), "a failed run without a reason"
        done = {step["name"] for step in before["steps"] if step["state"] in ("succeeded", "cached")}
        check_run(world, before["id"], done)
    check_records(world)
    events = world.resume(before["id"] if before else None, salt)
    (run,) = [event["run"] for event in events if event["type"] == "run-started"]
    states = {event["step"]: event["state"] for event in events if event["type"] == "step"}
    result = events[-1]["metrics"]["answer"]
    assert result == answer(salt), f"a wrong value: {result} instead of {answer(salt)}"
    again = {step for step in done if f"begin {step}" in world.ledger(run)}
    assert not again, f"finished steps were run again by resuming: {again}, {states}"
    check_run(world, run, set(states))
    check_records(world)
    notes = (world.folder / "notes.txt").read_text()
    assert notes == "one\n", "a run touched the user’s file"


def check_run(world: World, run: str, done: set[str]) -> None:
    """A step that the records say is done was done, once, and its outputs are whole."""
    ledger = Counter(world.ledger(run))
    twice = [step for step in STEPS if ledger[f"begin {step}"] > 1]
    assert not twice, f"run twice within run {run}: {twice}"
    shown = world.show(run)
    for step in shown["steps"]:
        if step["name"] not in done or step["state"] != "succeeded":
            continue
        assert ledger[f"end {step['name']}"] == 1, f"‘{step['name']}’ counts as done and was not"
        artifacts = [artifact for artifact in shown["artifacts"] if artifact["step"] == step["name"]]
        for artifact in artifacts:
            assert Path(artifact["path"]).exists(), f"{artifact['path']} is missing"
        assert any(artifact["kind"] == "notebook" for artifact in artifacts), f"‘{step['name']}’ left no notebook"


def check_records(world: World) -> None:
    if not (world.home / "sluice.db").exists():
        return
    assert world.query("PRAGMA integrity_check") == [("ok",)]
    assert world.query("PRAGMA foreign_key_check") == []
    gaps = world.query("SELECT run FROM events GROUP BY run HAVING max(seq) <> count(*)")
    assert not gaps, f"events are missing in {gaps}"
    found = world.sluice("fsck")
    assert found.returncode == 0, f"sluice fsck: {found.stdout}{found.stderr}"


def left_groups() -> set[Path]:
    """Control groups of steps whose runner has ended. The next run clears up where it makes its own, which need not be where
    another shell of this machine made some.
    """
    groups = (path for path in Path("/sys/fs/cgroup").glob("*/**/sluice-*") if path.is_dir())
    return {group for group in groups if not is_alive(int(group.name.split("-")[2]))}


def soak(
    rounds: int, seed: int, only: str | None = None, folder: Path | None = None, places: Iterable[str] = PLACES
) -> Counter[str]:
    """Returns how many processes were killed, or disks filled, of each kind."""
    chance = random.Random(seed)
    places = [*places]
    base = folder or Path(tempfile.mkdtemp(prefix="sluice-soak-"))
    worlds = {name: World(base / name, warm=warm, more=more) for name, (warm, more) in PLACES.items() if name in places}
    killed: Counter[str] = Counter()
    foreign = left_groups()
    try:
        length = {}
        for name, world in worlds.items():
            for salt in (10**6, 10**6 + 1):
                began = time.monotonic()
                said = world.sluice("run", "a.ipynb", "-p", f"salt={salt}")
                assert said.returncode == 0, f"{name}: the notebook does not run at all:\n{said.stdout}{said.stderr}"
            length[name] = time.monotonic() - began
        names = [only] if only else [*KINDS, *([FULL] if can_mount() and len(worlds) > 1 else [])]
        if FULL not in names and not only and len(worlds) > 1:
            print("No disk is filled: only root may mount a small one.")
        for number in range(rounds):
            kind = names[number % len(names)]
            where = "" if kind == FULL else "warm" if kind == "worker" else chance.choice(list(worlds))
            moment = chance.uniform(0, length.get(where, 0))
            label = f"round {number + 1} of seed {seed}: {kind}, {where}, after {moment:.2f} s"
            try:
                if kind == FULL:
                    label = f"round {number + 1} of seed {seed}: {kind}"
                    got = fill_disk(base, chance)
                else:
                    start, victims = KINDS[kind]
                    got = start(worlds[where], number, lambda: time.sleep(moment), victims)
                    check(worlds[where], number)
                groups = left_groups() - foreign
                assert len(groups) < 20, f"control groups pile up: {sorted(map(str, groups))}"
            except (AssertionError, subprocess.TimeoutExpired) as error:
                raise AssertionError(f"{label}: {error}") from error
            killed[kind] += got
            print(f"{label}: {got}", flush=True)
        return killed
    finally:
        for world in worlds.values():
            world.end()
        if folder is None and sys.exc_info()[0] is None:
            shutil.rmtree(base, ignore_errors=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--only", choices=[*KINDS, FULL])
    chosen = parser.parse_args()
    began = time.monotonic()
    counts = soak(chosen.rounds, chosen.seed, chosen.only)
    print(f"{chosen.rounds} rounds in {time.monotonic() - began:.0f} s, seed {chosen.seed}. By kind: {json.dumps(counts)}")
