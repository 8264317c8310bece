"""Put the runs of files into the store, each once."""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lrdash.core.errors import InvalidField
from lrdash.core.events import EpochEnded, Event, RunEnded, RunStarted
from lrdash.core.spec import NAME_LIMIT, Facts, RunSpec
from lrdash.core.wording import can_be_shown
from lrdash.store import Store
from lrdash.store.values import checked_name, checked_tags
from lrdash.tracking.importing.found import Found
from lrdash.tracking.importing.sources import read_paths

DATA, MODEL, OPTIMIZER = (f"{what} not known" for what in ("data", "model", "optimizer"))


@dataclass(frozen=True, kw_only=True)
class Brought:
    """The result for one run of a file."""

    run_id: str
    name: str
    epochs: int
    new: bool  # False: the store had it already, recognised by its content
    remarks: tuple[str, ...]  # what is missing or was left out


def import_runs(
    *paths: str | Path, name: str = "", dataset: str = "", model: str = "",
    tags: Sequence[str] = (), report: Callable[[str], object] = warnings.warn,
    **earlier: Callable[[str], object],
) -> list[Brought]:
    """Bring runs of other programs to the dashboard; earlier imports stay as they are.

    Args:
        paths: event files of TensorBoard, tables as CSV (Keras, Lightning), JSON (a History,
            pandas, Hugging Face), folders or ZIP archives of such.
        name: of the run instead of the file's; with several runs it precedes theirs.
        dataset: what was learned from, in words.
        model: what was trained, in words.
        tags: to find the runs by.
        report: takes a sentence about each file that was left out; by default these are warnings.
        earlier: `report` by the name that it had before.

    Raises:
        InvalidField: for a file that cannot be read; then nothing is imported.
        StoreError: if the database cannot be used.
    """
    report = earlier.pop("tell", report)
    if earlier:
        raise TypeError(f"import_runs() got an unexpected keyword argument {next(iter(earlier))!r}")
    if not paths:
        raise InvalidField("paths", "must name at least one file or folder", "none")
    store = Store()
    try:
        found = read_paths(paths, report)
        return bring(found, store, name=name, dataset=dataset, model=model, tags=tags)
    finally:
        store.close()


def bring(
    found: Iterable[Found], store: Store, *, name: str = "", dataset: str = "",
    model: str = "", tags: Sequence[str] = (),
) -> list[Brought]:
    """Put runs into the store; see `import_runs`."""
    runs, checked = list(found), checked_tags(tags)
    known = {
        row.spec.facts.token: row.run_id for row in store.runs.listing()
        if row.spec.facts is not None and row.spec.facts.token
    }
    brought = []
    for run in runs:
        title = checked_name(_title(run.name, name, several=len(runs) > 1))
        new = run.digest not in known
        if new:
            spec = run.spec or _spec(run, dataset, model)
            facts = (spec.facts or Facts()).as_dict() | {"token": run.digest}
            tags_of = [*run.tags, *checked]
            known[run.digest] = _put(run, spec.replace(facts=facts), store, title, tags_of)
        brought.append(Brought(
            run_id=known[run.digest], name=title, epochs=len(run.epochs), new=new,
            remarks=run.remarks,
        ))
    return brought


def _put(run: Found, spec: RunSpec, store: Store, title: str, tags: Sequence[str]) -> str:
    facts = spec.facts or Facts()
    steps, updates = facts.steps_per_epoch, facts.steps_per_epoch * spec.epochs
    worker = f"import-{uuid.uuid4().hex[:12]}"
    store.workers.register(worker)
    try:
        run_id = store.runs.create(
            spec, steps_per_epoch=steps, updates=updates, parameters=facts.parameters,
            engine="import", name=title, tags=tags, worker_id=worker,
        )
        store.runs.record([(run_id, event) for event in _events(run, spec, steps, updates)], worker)
    finally:
        store.workers.mark_interrupted(worker)
        store.workers.forget(worker)
    return run_id


def _events(run: Found, spec: RunSpec, steps: int, updates: int) -> list[Event]:
    facts = spec.facts or Facts()
    started = RunStarted(
        engine="import", parameters=facts.parameters, steps_per_epoch=steps, updates=updates,
        versions={},
    )
    seconds = run.seconds or (0.0,) * len(run.epochs)
    rates = run.rates or (np.empty(0, np.float32),) * len(run.epochs)
    epochs = [
        EpochEnded(
            epoch=epoch, rates=rates[place], seconds=seconds[place],
            metrics={name: values[place] for name, values in run.metrics.items()},
        )
        for place, epoch in enumerate(run.epochs)
    ]
    ended = RunEnded(status=run.status, reason=run.reason, seconds=max(seconds, default=0.0))
    return [started, *epochs, *run.decisions, ended]


def _spec(run: Found, dataset: str, model: str) -> RunSpec:
    highest = max((float(part.max()) for part in run.rates if part.size), default=0.0)
    steps = max((part.size for part in run.rates), default=1)
    known = "none" if not run.rates else "updates" if steps > 1 and not run.sampled else "epochs"
    return RunSpec(
        dataset=_word(dataset) or DATA, model=_word(model) or MODEL,
        strategy="recorded", params={"known": known},
        base_lr=highest if highest > 0 else 1.0, epochs=run.epochs[-1], origin="import",
        facts=Facts(
            steps_per_epoch=max(1, steps), metrics=tuple(run.metrics),
            optimizer=OPTIMIZER, notes=run.remarks,
        ),
    )


def _word(text: str) -> str:
    return checked_name(text)[:NAME_LIMIT]


def _title(own: str, given: str, *, several: bool) -> str:
    tidy = "".join(sign if can_be_shown(sign) else " " for sign in own)[-120:]
    if not given:
        return tidy
    return f"{given} {tidy}"[:200] if several else given
