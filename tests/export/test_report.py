"""The report: one file, safe, complete, and with a command that repeats the training."""

from __future__ import annotations

import json
import re
import shlex
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import lrdash
from lrdash import api
from lrdash.core.errors import InvalidField
from lrdash.core.spec import EarlyStopping, RunSpec
from lrdash.core.wording import number
from lrdash.export.report import compare_command, numbers, run_report, train_command
from lrdash.export.report.html import marked
from lrdash.planning.experiment import Arm, Experiment
from lrdash.store import Store
from tests.factories.frames import judged, noisy, runs
from tests.factories.runs import one_experiment, one_run
from tests.factories.shell import call, refused

HOSTILE = '<script>alert("x")</script>'
LARGEST = 6_000_000  # bytes


class Reader(HTMLParser):
    """What a browser would see: elements with their attributes, and texts outside of scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, Any]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        (self.scripts if "script" in self.open else self.texts).append(data)

    def tags(self, name: str) -> list[dict[str, Any]]:
        return [attrs for tag, attrs in self.elements if tag == name]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def report(store: Store, experiment_id: str) -> Reader:
    path = Path("report.html")
    assert api.load_comparison(experiment_id, store).report(path) == path
    return Reader(path.read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_report_is_one_small_file_that_fetches_nothing(store: Store) -> None:
    page = report(store, one_experiment(store))
    assert not page.open
    assert Path("report.html").stat().st_size < LARGEST
    assert not [attrs for _, attrs in page.elements if {"src", "href", "srcset"} & set(attrs)]
    assert "://" not in Path("report.html").read_text(encoding="utf-8")
    (policy,) = [m["content"] for m in page.tags("meta") if "http-equiv" in m]
    assert policy.startswith("default-src 'none'")


def test_the_report_shows_question_answer_verdicts_settings_and_machine(store: Store) -> None:
    page = report(store, one_experiment(store, target=0.4, momentum=0.8, name="First try"))
    for words in (
        "First try", "Which of 2 learning-rate strategies", "Cosine decay", "Leaderboard",
        "Constant against Cosine decay", "p, by Holm", "sign", "Momentum 0.8", "Target",
        "Weight decay", "lrdash compare", "tensorflow 2.21.0", "Linux 6, x86_64, 2 processors",
        "Wine. Thirteen chemical", "Every run", "keras.Model(inputs, x)",
    ):
        assert words in page.text, words
    assert page.text.count("finished") >= 12  # a row for each run


def test_every_chart_has_a_description_and_its_numbers(store: Store) -> None:
    page = report(store, one_experiment(store, diverging=0.05))
    charts = [div for div in page.tags("div") if div.get("class") == "chart"]
    assert [chart["data-source"] for chart in charts] == [
        "loss-data", "rates-data", "bowl-data", "heatmap-data"
    ]
    assert all(chart["role"] == "figure" and chart["aria-label"] for chart in charts)
    data = {script["id"] for script in page.tags("script") if "id" in script}
    assert {chart["data-source"] for chart in charts} <= data
    assert "3 of 3 diverged or failed" in page.text
    assert "diverged: the loss became NaN" in page.text


def test_tables_have_captions_and_header_cells(store: Store) -> None:
    page = report(store, one_experiment(store))
    assert len(page.tags("caption")) == len(page.tags("table")) >= 8
    assert {cell.get("scope") for cell in page.tags("th")} == {"col", "row"}
    headings = [level for level, _ in page.elements if re.fullmatch("h[1-6]", level)]
    assert headings[:2] == ["h1", "h2"]
    assert page.tags("html") == [{"lang": "en"}]


def test_plotly_is_in_the_file_once(store: Store) -> None:
    page = report(store, one_experiment(store))
    assert [script["id"] for script in page.tags("script") if script.get("type") == "text/plain"] \
        == ["plotly"]


def test_what_users_typed_stays_text(store: Store) -> None:
    arms = [
        Arm(strategy="step", params={"factor": 0.3}, label=HOSTILE),
        Arm(strategy="step", label="a & b"),
    ]
    page = report(store, one_experiment(store, arms, name=HOSTILE))
    assert HOSTILE in page.text
    assert not [script for script in page.scripts if HOSTILE in script]
    count = len(page.tags("script"))
    assert count == len(report(store, one_experiment(store)).tags("script"))
    (loss,) = [json.loads(s) for s in page.scripts if s.startswith('{"data"') and "val" in s][:1]
    assert not any("<script" in str(trace.get("name")) for trace in loss["data"])


def test_two_seeds_have_neither_an_interval_nor_seeds_needed() -> None:
    few = judged(runs("step", noisy(0.3, 0, 2)), runs("cosine", noisy(0.9, 1, 2))).pairs
    shown = numbers.pairs_table(few)
    assert "∞" not in shown
    assert "over 1,000" not in shown
    enough = judged(runs("step", noisy(0.3, 0)), runs("cosine", noisy(0.9, 1))).pairs
    low, high = (number(float(enough[end].iloc[0])) for end in ("low", "high"))
    assert f"({low} to {high})" in numbers.pairs_table(enough)


def test_markdown_of_verdicts_cannot_smuggle_elements_in() -> None:
    assert marked(r"**a \*b** <i>" "\n\nc & d") == (
        "<p><strong>a *b</strong> &lt;i&gt;</p>\n<p>c &amp; d</p>\n"
    )


def test_a_comparison_without_an_epoch_has_a_report_too(store: Store) -> None:
    made = one_experiment(store, seeds=1)
    fresh = api.load_comparison(made, store)
    empty = {name: values[:0] for name, values in fresh.columns.items()}
    from lrdash.export.report import comparison_report

    page = Reader(comparison_report(fresh.row, fresh.rows, empty))
    assert "nothing to draw" in page.text


def repeated(command: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Experiment, str, str]:
    """What the shell would run, up to the training."""
    heard: list[Any] = []

    class Over(Exception):
        pass

    def stop(experiment: Experiment, *, engine: str, name: str, **_: Any) -> None:
        heard.append((experiment, engine, name))
        raise Over

    monkeypatch.setattr("lrdash.api.run_experiment", stop)
    program, *words = shlex.split(command.replace("\\\n", ""))
    assert program == "lrdash"
    result = call(*words)
    assert isinstance(result.exception, Over), result.output
    found: tuple[Experiment, str, str] = heard[0]
    return found


BASES = (
    RunSpec(),
    RunSpec(
        dataset="digits", examples=500, model="cnn", model_params={"dropout": 0.1, "blocks": 1},
        optimizer="sgd", momentum=0.85, nesterov=True, label_smoothing=0.1, epochs=7, batch_size=64,
        warmup_epochs=1.5, warmup_start_factor=0.1,
        early_stopping=EarlyStopping(patience=4, min_delta=0.001, restore_best_weights=True),
    ),
)
ARMS = (
    (Arm(strategy="constant"), Arm(strategy="multistep", params={"milestones": [2, 4.5]})),
    (
        Arm(strategy="step", params={"factor": 0.3}), Arm(strategy="step"),
        Arm(strategy="custom", label="it's \"mine\"",
            params={"expression": "lr * 0.5 if epoch == 3 else lr"}),
    ),
    (Arm(strategy="custom", params={"expression": "-lr * -1"}), Arm(strategy="plateau")),
)


@pytest.mark.parametrize("base", BASES, ids=["usual", "all else"])
@pytest.mark.parametrize("arms", ARMS, ids=["two kinds", "labels", "signs"])
@pytest.mark.parametrize("seeds", [(0, 1, 2), (5,), (3, 1)])
def test_the_command_gives_the_same_experiment(
    base: RunSpec, arms: Any, seeds: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = Experiment(
        base=base, arms=arms, base_lrs=(1 / 3, 0.1, 1e-5), seeds=seeds, target=0.15
    )
    command = compare_command(experiment, name="-it's new", engine="keras")
    assert repeated(command, monkeypatch) == (experiment, "keras", "-it's new")


def test_the_report_shows_the_command_of_its_comparison(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = one_experiment(store, name="First try")
    page = report(store, made)
    (command,) = [text for text in page.texts if text.startswith("lrdash compare")]
    found, engine, name = repeated(command, monkeypatch)
    assert found.to_json() == store.experiments.one(made).definition
    assert (engine, name) == ("lanes", "First try")


def test_the_command_of_a_run_gives_the_same_spec(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Any] = []
    monkeypatch.setattr(lrdash.cli.train, "train", None, raising=False)
    spec = RunSpec(
        strategy="plateau", params={"factor": 0.3}, seed=4, base_lr=1 / 3,
        early_stopping=EarlyStopping(monitor="loss"), model_params={"widths": [4, 4]},
    )
    _, *words = shlex.split(train_command(spec, engine="keras").replace("\\\n", ""))

    def stop(given: RunSpec, engine: str) -> None:
        heard.append((given, engine))
        raise InvalidField("far", "is enough", None)

    monkeypatch.setattr(api, "check", stop)
    call(*words)
    assert heard == [(spec, "keras")]


def test_a_run_has_a_report_of_its_own(store: Store, tmp_path: Path) -> None:
    run = api.load_run(one_run(store, strategy="plateau", params={"patience": 1}), store)
    page = Reader(run.report(tmp_path / "run.html").read_text(encoding="utf-8"))
    for words in ("Finished after 4 of 4 epochs", "Strategy: patience 1", "lrdash train",
                  "tensorflow 2.21.0", "Every epoch", "ReduceOnPlateau"):
        assert words in page.text, words


def test_a_run_without_an_epoch_has_a_report_too(store: Store) -> None:
    run = api.load_run(one_run(store), store)
    assert "nothing to draw" in Reader(run_report(run.row, ())).text


def test_a_report_that_cannot_be_written_is_explained(store: Store, tmp_path: Path) -> None:
    with pytest.raises(InvalidField, match="path must be a file that can be written"):
        api.load_comparison(one_experiment(store, seeds=1), store).report(tmp_path)


def test_the_shell_refuses_a_report_in_no_folder_before_it_trains() -> None:
    message = refused("compare", "--strategies", "constant", "--html", "no/where.html")
    assert "--html must be in a folder that exists" in message


def test_an_arm_that_is_no_object_is_refused() -> None:
    assert "--arm must be a JSON object" in refused("compare", "--arm", "[1]")


def test_a_comparison_needs_a_strategy() -> None:
    assert "--strategies must name at least one strategy" in refused("compare")
