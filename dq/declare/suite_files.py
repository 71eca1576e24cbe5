"""Where suites lie: ``expectations/PIPELINE/DATASET.yml``, and ``expectations/all/DATASET.yml`` for every pipeline."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path

from dq.base import yamlfile
from dq.base.errors import ConfigError, Finding, UsageError, choices
from dq.declare import registry

FOLDER = "expectations"
ALL = "all"
"""The folder of the suites that every pipeline takes which reads or publishes their dataset."""
SUFFIXES = (".yml", ".yaml", ".json")
"""How the files of suites end that a command is given."""


def taken(name: str, item: registry.Pipeline) -> list[str]:
    """The files a pipeline takes where they are there, below the folder of suites: those of all come first."""
    return [f"{folder}/{dataset}.yml" for dataset in item.datasets(name) for folder in (ALL, name)]


def there(root: Path, declared: registry.Registry | None) -> list[str]:
    """The files of suites that are taken and there; where no registry can be read, all that lie in a folder."""
    if declared is None:
        return sorted(path.relative_to(root / FOLDER).as_posix() for path in (root / FOLDER).glob("*/*.yml"))
    wanted = {file for name, item in declared.pipelines.items() for file in taken(name, item)}
    return sorted(file for file in wanted if (root / FOLDER / file).is_file())


def mistakes(
    root: Path, pipelines: Mapping[str, registry.Pipeline], contracts: Collection[str] = ()
) -> Iterator[Finding]:
    """The files below the folder of suites that no pipeline takes, each with where it belongs.

    A shared suite of a source with a contract may stand although no pipeline of this company reads it.
    """
    wanted = {file for name, item in pipelines.items() for file in taken(name, item)}
    wanted |= {f"{ALL}/{source}.yml" for source in contracts}
    for path in sorted((root / FOLDER).rglob("*.y*ml")):
        file = path.relative_to(root / FOLDER)
        if file.as_posix() not in wanted:
            yield Finding(f"{FOLDER}/{file.as_posix()}", 1, "", _mistake(path, file, pipelines))


def elsewhere(path: Path) -> str:
    """What to do about a suite that is not there: where those of its name are, else what is called nearly so."""
    folder = path.parent
    home = next((one for one in (folder, *folder.parents) if one.name == FOLDER and one.is_dir()), None) or _home()
    suites = [f"{FOLDER}/{one.parent.name}/{one.name}" for one in sorted(home.glob("*/*.yml"))] if home else []
    if same := [one for one in suites if Path(one).name == path.name]:
        return f"take {' or '.join(same)}"
    beside = [(folder / one.name).as_posix() for one in sorted(folder.glob("*")) if one.suffix in SUFFIXES]
    known = {one: Path(one).stem for one in (*beside, *suites)}
    if close := get_close_matches(path.stem, sorted({*known.values()}), n=1):
        return f"did you mean {' or '.join(one for one, name in known.items() if name == close[0])}?"
    if FOLDER in path.parts:
        return f"suites lie in {FOLDER}/PIPELINE/DATASET.yml"
    if not folder.is_dir():
        return f"there is no folder {folder} either"
    return f"{folder} holds {', '.join(Path(one).name for one in beside[:9]) or 'no suite'}"


def _home() -> Path | None:
    """The folder of suites of the project a command is typed in, None outside of any."""
    try:
        return registry.find_root() / FOLDER
    except UsageError:
        return None


def _mistake(path: Path, file: Path, pipelines: Mapping[str, registry.Pipeline]) -> str:
    if len(file.parts) == 1:
        return f"no pipeline takes a suite that lies here; move it to {_belongs(path, pipelines)}"
    if len(file.parts) > 2 or file.suffix != ".yml":
        return f"no pipeline takes this file; suites are {FOLDER}/PIPELINE/DATASET.yml and {FOLDER}/{ALL}/DATASET.yml"
    folder, dataset = file.parts[0], file.stem
    if folder == ALL:
        known = {one for name, item in pipelines.items() for one in item.datasets(name)}
        return f"no pipeline reads or publishes a dataset {dataset}; {choices(dataset, sorted(known))}"
    if folder not in pipelines:
        return f"there is no pipeline {folder!r}; {choices(folder, [ALL, *pipelines])}"
    return f"{folder} reads and publishes no dataset {dataset}; {choices(dataset, pipelines[folder].datasets(folder))}"


def _belongs(path: Path, pipelines: Mapping[str, registry.Pipeline]) -> str:
    """Where a suite that lies in no folder belongs, by what it says its dataset is."""
    try:
        said = yamlfile.read(path).data
    except ConfigError:
        said = None
    named = (said.get("dataset") or said.get("name")) if isinstance(said, dict) else None
    users = _users(named, pipelines)
    if not users:
        return f"{FOLDER}/PIPELINE/DATASET.yml"
    own = " or ".join(f"{FOLDER}/{name}/{named}.yml" for name in users)
    return own if len(users) == 1 else f"{own}, or to {FOLDER}/{ALL}/{named}.yml for all of them"


def _users(dataset: object, pipelines: Mapping[str, registry.Pipeline]) -> Collection[str]:
    return [name for name, item in pipelines.items() if dataset in item.datasets(name)]
