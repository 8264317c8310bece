"""Pages as Streamlit's own test runner draws them: no browser, no worker."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from lrdash.core.events import EpochEnded, Event, RunEnded, RunStarted
from lrdash.planning.plan import make
from lrdash.store import Store
from lrdash.ui import resources
from tests import ROOT

PATIENCE = 120  # seconds


def page(name: str, /, **query: str) -> AppTest:
    """A page, or `app`, with what its address says."""
    folder = ROOT if name == "app" else ROOT / "pages"
    test = AppTest.from_file(str(folder / f"{name}.py"), default_timeout=PATIENCE)
    for key, value in query.items():
        test.query_params[key] = value
    return test.run()


def serve(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Have the pages of this test show a store; nobody trains what they queue."""
    monkeypatch.setattr(resources, "store", lambda: store)
    monkeypatch.setattr(resources, "laboratory", lambda: SimpleNamespace(wake=lambda: None))
    return store


def fault(test: AppTest) -> str:
    """The first error on a page, as it is read there."""
    return str(test.error[0].value).replace("\\", "")


def words(test: AppTest) -> str:
    """Everything that a page says, as it is read there."""
    kinds = (
        test.header, test.markdown, test.caption, test.warning, test.info, test.success, test.error,
    )
    return "\n".join(str(one.value).replace("\\", "") for kind in kinds for one in kind)


def progress(test: AppTest) -> str:
    return "\n".join(str(bar.proto.text) for bar in test.get("progress"))


def typed(test: AppTest, rates: str) -> None:
    """Type peak rates in place of the five suggested ones."""
    next(g for g in test.button_group if g.key == "compare.how").set_value("Typed").run()
    test.text_input(key="compare.rates").set_value(rates).run()


def started(store: Store) -> tuple[AppTest, str]:
    """A small experiment, begun from the form: 2 strategies x 2 rates x 2 seeds."""
    test = page("compare")
    test.multiselect(key="compare.strategies").set_value(["constant", "cosine"]).run()
    typed(test, "0.1 0.01")
    test.number_input(key="compare.seeds").set_value(2).run()
    test.button(key="start-compare").click().run()
    (row,) = store.experiments.listing()
    return test, row.experiment_id


def train(store: Store, experiment_id: str, *, diverging: float = 1e9) -> None:
    """What a worker would have written; runs at or above a rate diverge."""
    store.workers.register("w1", "host", 1)
    for group in store.runs.queued_groups():
        for run_id in store.runs.claim_group(group, "w1"):
            plan = make(store.runs.one(run_id).spec)
            lost = plan.spec.base_lr >= diverging
            events: list[Event] = [
                RunStarted(engine="keras", parameters=1, steps_per_epoch=plan.steps_per_epoch,
                           updates=plan.updates, versions={})
            ]
            program = plan.program()
            for epoch in range(1 if lost else 3):
                loss = plan.spec.base_lr + plan.spec.seed / 100 + 1 / (epoch + 1)
                metrics = {"loss": loss, "val_loss": float("nan") if lost else loss,
                           "accuracy": 0.5, "val_accuracy": 0.5}
                events.append(EpochEnded(
                    epoch=epoch + 1, metrics=metrics, seconds=1.0,
                    rates=program.rates(epoch).astype(np.float32),
                ))
            events.append(RunEnded(status="diverged" if lost else "finished"))
            store.runs.record([(run_id, event) for event in events])
    assert not store.experiments.one(experiment_id).active
