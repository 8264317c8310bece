"""Step against plateau: the two callbacks of the lesson that lrdash grew out of."""

from __future__ import annotations

import numpy as np

from lrdash.analysis.guides.cuts import AROUND, Cut, cuts_of
from lrdash.analysis.guides.guide import Evidence, Explained, Guide
from lrdash.analysis.verdicts import judge as judge_arms
from lrdash.core.spec import RunSpec
from lrdash.core.wording import listed, number, percent, plural, rate
from lrdash.planning.experiment import Arm, Experiment

STEP, PLATEAU = "Step", "Plateau"
EVERY, PATIENCE = 10, 3  # epochs
Cuts = dict[int, list[Cut]]  # by seed


def so_far(found: Evidence) -> str:
    """How often each of both has cut so far."""
    if found.curves.empty:
        return ""
    step, plateau = _flat(cuts_of(found, STEP)), cuts_of(found, PLATEAU)
    began = sum(bool(cuts) for cuts in plateau.values())
    return (
        f"So far {STEP} has made {plural(len(step), 'cut')} and {PLATEAU} "
        f"{plural(len(_flat(plateau)), 'cut')}, in {began} of {plural(len(plateau), 'run')}."
    )


def judge(found: Evidence) -> Explained:
    """When each of both cut the rate, why, what the cuts did to the loss, and how both ended."""
    step, plateau = cuts_of(found, STEP), cuts_of(found, PLATEAU)
    gone = int((found.arms["status"] == "diverged").sum())
    findings = (
        *_diverged(gone, len(found.arms)), _of_step(step), _of_plateau(plateau),
        *_reason(found, plateau), *_effects(STEP, step), *_effects(PLATEAU, plateau), _ends(found),
    )
    faults = [*_faults(step, plateau), *([f"{plural(gone, 'run')} diverged"] if gone else ())]
    if faults:
        headline = f"Not quite as expected: {listed(faults)}."
        return Explained(outcome="otherwise", headline=headline, findings=findings)
    headline = (
        f"{STEP} followed the calendar: the same epochs with every seed. {PLATEAU} followed the "
        "loss: it waited until the loss stopped falling, and after most cuts the loss fell again."
    )
    return Explained(outcome="as expected", headline=headline, findings=findings)


def _faults(step: Cuts, plateau: Cuts) -> list[str]:
    """What was expected and did not happen."""
    faults = []
    planned, own = _places(step), _places(plateau)
    if len(planned) != 1:
        faults.append(f"{STEP} did not cut at the same epochs in all runs")
    never = sum(not cuts for cuts in plateau.values())
    if never:
        faults.append(f"{PLATEAU} never cut in {never} of {plural(len(plateau), 'run')}")
    if own & planned - {()}:
        faults.append(f"{PLATEAU} cut at exactly the epochs of {STEP} in some run")
    seen = [cut for cut in _flat(plateau) if cut.judged]
    fell = sum(cut.fell for cut in seen)
    if seen and 2 * fell <= len(seen):
        faults.append(
            f"the loss was lower after only {fell} of the {plural(len(seen), 'cut')} of {PLATEAU}"
        )
    return faults


def _diverged(gone: int, runs: int) -> tuple[str, ...]:
    if not gone:
        return ()
    return (
        f"{gone} of {plural(runs, 'run')} **diverged**: the loss was no longer a finite number, so "
        "the peak rate is too high here for either strategy.",
    )


def _of_step(step: Cuts) -> str:
    planned = _places(step)
    if len(planned) == 1 and (epochs := next(iter(planned))):
        return (
            f"**{STEP}** cut after epoch{'s' * (len(epochs) > 1)} {listed(epochs)} with every "
            "seed: it counts epochs and never looks at the loss."
        )
    return f"**{STEP}** should cut every {EVERY} epochs. It cut after these: {_by_seed(step)}."


def _of_plateau(plateau: Cuts) -> str:
    different = len(_places(plateau)) > 1
    end = " The noise differs from seed to seed, and so do the epochs." if different else ""
    return f"**{PLATEAU}** cut after these epochs: {_by_seed(plateau)}.{end}"


def _reason(found: Evidence, plateau: Cuts) -> tuple[str, ...]:
    """The first cut in the callback's own words."""
    cuts = _flat(plateau)
    if not cuts:
        return (
            f"So {PLATEAU} had no reason to cut: the validation loss never went {PATIENCE} epochs "
            "without improving. Use a shorter patience or more epochs to see a cut.",
        )
    first = cuts[0]
    own = found.decisions[
        (found.decisions["run_id"] == first.run_id) & (found.decisions["epoch"] == first.epoch)
    ]
    if own.empty:
        return ()
    return (
        f"Why there? The callback reported at epoch {first.epoch} of seed {first.seed}: "
        f"“{own['decision'].iloc[0]}”.",
    )


def _effects(label: str, cuts: Cuts) -> tuple[str, ...]:
    """How the loss moved after the cuts of an arm."""
    seen = [cut for cut in _flat(cuts) if cut.judged]
    if not seen:
        return ()
    first = [run[0] for run in cuts.values() if run and run[0].judged]
    fell = sum(cut.fell for cut in seen)
    found = (
        f"**After {fell} of {plural(len(seen), 'cut')} of {label}** the validation loss was lower "
        f"than before (means of up to {AROUND} epochs on either side)."
    )
    if first:
        before = float(np.mean([cut.loss_before for cut in first]))
        after = float(np.mean([cut.loss_after for cut in first]))
        way = "lower" if after < before else "higher"
        found += (
            f" The first cut, from rate {rate(first[0].rate_before)} to "
            f"{rate(first[0].rate_after)}, moved it from {number(before)} to {number(after)}, "
            f"{percent(abs(after - before) / before)} {way}, on average."
        )
    return (found,)


def _ends(found: Evidence) -> str:
    means = {
        label: float(np.mean(found.finals(label, found.peaks()[0]))) for label in (STEP, PLATEAU)
    }
    ends = listed(f"{number(mean)} with {label}" for label, mean in means.items())
    verdict = judge_arms(found.arms).sentence
    return f"**Which is better?** Mean final validation loss: {ends}. {verdict}"


def _places(cuts: Cuts) -> set[tuple[int, ...]]:
    return {tuple(cut.epoch for cut in own) for own in cuts.values()}


def _flat(cuts: Cuts) -> list[Cut]:
    return [cut for own in cuts.values() for cut in own]


def _by_seed(cuts: Cuts) -> str:
    return "; ".join(
        f"seed {seed}: {', '.join(str(cut.epoch) for cut in own) or 'never'}"
        for seed, own in cuts.items()
    )

GUIDE = Guide(
    id="lowering",
    title="Lower the rate by plan, or when it stops helping?",
    idea=f"The valley narrows near its bottom, so the rate has to come down. **{STEP}** halves "
    f"it every {EVERY} epochs. **{PLATEAU}** halves it when the validation loss has not improved "
    f"for {PATIENCE} epochs. Start high and let the callback lower it.",
    expected=f"{STEP} cuts at the same epochs whatever happens. {PLATEAU} cuts when the loss has "
    "stopped falling, at different epochs for each seed, and the loss drops after a cut.",
    watch=(
        "The loss jumps up and down while the rate is high. Is it steadier and lower after a cut?",
        f"With another seed {STEP} draws the same staircase, {PLATEAU} a different one.",
    ),
    source="the lesson on LearningRateScheduler and ReduceLROnPlateau that lrdash grew out of",
    experiment=Experiment(
        base=RunSpec(dataset="noisy_regression", model="mlp", epochs=30),
        arms=(
            Arm(strategy="step", params={"drop_every": EVERY, "factor": 0.5}, label=STEP),
            Arm(strategy="plateau", params={"patience": PATIENCE, "factor": 0.5}, label=PLATEAU),
        ),
        base_lrs=(0.1,), seeds=(0, 1, 2, 3, 4, 5),
    ),
    so_far=so_far, judge=judge,
)
