"""No text of a user becomes Markdown: it loads no picture and makes no link."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.message import Message
from markdown_it import MarkdownIt
from streamlit.testing.v1 import AppTest

from lrdash.core.spec import Facts, RunSpec
from lrdash.datasets import own
from lrdash.store import Store
from tests.factories.database import execute
from tests.factories.pages import page
from tests.factories.runs import one_experiment, trained, watched

HOST = "evil.example"
HOSTILE = f"![x](http://{HOST}/p.png) [l](http://{HOST}) :red[r] $x^2$ **b** <img src=http://{HOST}>"
PLAIN = {  # fields that are shown as they are
    "options", "placeholder", "value", "default", "url", "code", "spec", "id", "form_id",
    "raw_value",
}
PAGES = (
    "train", "compare", "find_lr", "hindsight", "inside", "start", "runs", "models", "data",
    "valley", "glossary",
)
QUERIES = {
    "train": ("run", "from", "dataset", "model", "strategy", "epochs", "rate"),
    "compare": ("experiment", "like", "run"), "find_lr": ("test", "dataset"),
    "hindsight": ("search", "run"), "inside": ("run", "example"), "start": ("experiment",),
    "runs": ("runs", "search"), "models": ("data", "dataset"), "data": ("data",),
    "valley": ("strategy",), "glossary": ("search",),
}
TABLE = f'a,"{HOSTILE}",label\n' + "".join(
    f'{n % 7},{n % 5},"{(HOSTILE, "y")[n % 2]}"\n' for n in range(60)
)
markdown = MarkdownIt("commonmark", {"html": True, "linkify": False})


def texts(message: Message) -> Iterator[str]:
    """What a message to the browser holds where Streamlit reads Markdown."""
    for field, value in message.ListFields():
        if field.name not in PLAIN:
            for one in [value] if isinstance(value, str | Message) else _several(value):
                if isinstance(one, Message):
                    yield from texts(one)
                elif isinstance(one, str):
                    yield one


def _several(value: Any) -> list[Any]:
    return [] if hasattr(value, "keys") or not hasattr(value, "__iter__") else list(value)


def drawn(node: Any) -> Iterator[str]:
    """All these texts of a page."""
    proto = getattr(node, "proto", None)
    if isinstance(proto, Message) and "data" not in proto.DESCRIPTOR.fields_by_name:  # no table
        yield from texts(proto)
    for child in getattr(node, "children", {}).values():
        yield from drawn(child)


def taken_in(text: str) -> bool:
    """Whether Markdown would load, link or colour something of the hostile text."""
    if HOST not in text or text.startswith("{"):  # data of a chart
        return False
    tokens = [child for token in markdown.parse(text) for child in (token.children or [token])]
    loud = {"image", "link_open", "html_inline", "html_block"}
    return ":red[" in text or any(token.type in loud for token in tokens)


def assert_harmless(test: AppTest) -> None:
    assert not [text for text in drawn(test._tree) if taken_in(text)]


@pytest.fixture
def everything(store: Store) -> dict[str, dict[str, str]]:
    """A store in which every text of a user is hostile; what the pages can open of it."""
    run_id, other = trained(store), trained(store)
    outside = watched(store)
    spec = store.runs.one(outside).spec.replace(
        dataset=HOSTILE[:60], model=HOSTILE[:60],
        facts=Facts(steps_per_epoch=2, optimizer=HOSTILE, loss=HOSTILE, notes=(HOSTILE,),
                    metrics=("loss", "val_loss", "val_auc")).as_dict(),
    )
    execute("UPDATE runs SET spec = ? WHERE run_id = ?", spec.to_json(), outside)
    data = own.add(TABLE.encode(), "t.csv", own.Recipe(target="label"), HOSTILE[:50]).id
    on_own = store.runs.create(
        RunSpec(dataset=data, model="linear", epochs=2), steps_per_epoch=1, updates=2, parameters=1)
    experiment = one_experiment(store, name=HOSTILE)
    compared = one_experiment(store, dataset=data, name=HOSTILE)
    execute("UPDATE runs SET name = ?, reason = ?, tags = ?, engine_note = ?", HOSTILE, HOSTILE,
            json.dumps([HOSTILE[:40]]), HOSTILE)
    execute("UPDATE runs SET label = ? WHERE experiment_id IS NULL", HOSTILE)
    execute("UPDATE runs SET versions = ?", json.dumps({HOSTILE: HOSTILE}))
    execute("UPDATE runs SET parent_id = ?, fork_epoch = 1 WHERE run_id = ?", run_id, other)
    execute("UPDATE epochs SET metrics = ? WHERE run_id = ?",
            json.dumps({"loss": 1.0, HOSTILE[:40]: 2.0}), outside)
    return {
        "train": {"run": run_id}, "branch": {"run": other},
        "metric": {"runs": f"{outside},{outside}", "curve": HOSTILE[:40]},
        "runs": {"runs": f"{run_id},{other},{outside},{on_own}"},
        "compare": {"experiment": experiment},
        "start": {"experiment": compared},
        "inside": {"run": outside}, "hindsight": {"run": run_id}, "data": {}, "models": {},
        "outside": {"run": outside}, "own": {"run": on_own}, "form": {"dataset": data},
        "compared": {"experiment": compared}, "choose": {"data": data},
    }


WHERE = {
    "outside": "train", "own": "train", "form": "train", "compared": "compare",
    "choose": "train", "branch": "train", "metric": "runs",
}


def test_every_page_shows_texts_of_users_as_they_were_typed(
    everything: dict[str, dict[str, str]]
) -> None:
    for name in PAGES:
        assert_harmless(page(name))
    for name, query in everything.items():
        test = page(WHERE.get(name, name), **query)
        assert_harmless(test)
        for group in test.button_group:
            if group.key in ("details", "curve"):
                for option in group.options:
                    group.set_value(option).run()
                    assert_harmless(test)


@pytest.mark.parametrize(("name", "key"), [
    (name, key) for name, names in QUERIES.items() for key in names
])
def test_no_address_brings_markdown_to_a_page(store: Store, name: str, key: str) -> None:
    trained(store)
    assert_harmless(page(name, **{key: HOSTILE}))


def test_the_test_would_notice_markdown() -> None:
    assert taken_in(HOSTILE)
    assert taken_in(f"Run ![x](http://{HOST}/p)")
    assert taken_in(f"a :red[http://{HOST}]")
