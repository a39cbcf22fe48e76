"""From a round's answers to its statistics. Pure: rows in, figures out."""

from collections.abc import Mapping, Sequence
from statistics import mean

import numpy as np

from services.api.report.answers import Answers
from services.api.report.contents import Comparison, Confusion, RoundStatistics, SplitFigures
from shared.scoring.interval import wilson
from shared.scoring.labels import NONE, SEVERAL
from shared.scoring.statistics.bootstrap import difference, estimates, has_groups
from shared.scoring.statistics.calibration import Calibration, calibration
from shared.scoring.statistics.confusion import Decisions, class_rows
from shared.scoring.statistics.paired import mcnemar
from shared.types.records import Prediction, Split

_HELD_OUT: tuple[Split, ...] = ("test", "validation")
Groups = Mapping[str, str | None]


def round_statistics(now: Answers, before: Answers | None, before_round: int, groups: Groups) -> RoundStatistics:
    """`groups` maps example ids to their groups; `before` are the answers of the round `before_round`."""
    test = now.of("test")
    decisions = _decisions(test)
    calibrated = {split: found for split in _HELD_OUT if (found := _calibration(now, split))}
    return RoundStatistics(
        test=split_figures(now, "test", groups),
        validation=split_figures(now, "validation", groups),
        classes=class_rows(decisions, wilson) if test else [],
        confusion=_confusion(decisions) if test else None,
        calibration=calibrated,
        against_previous=compared(test, before.of("test"), before_round, groups) if before else None,
    )


def split_figures(answers: Answers, split: Split, groups: Groups) -> SplitFigures | None:
    """None where no image of the split was answered."""
    rows = answers.of(split)
    if not rows:
        return None
    accuracy, balanced, macro_f1 = estimates(_decisions(rows), [groups.get(row.example_id) for row in rows])
    return SplitFigures(
        images=len(rows),
        failed=answers.failed.get(split, 0),
        accuracy=accuracy,
        accuracy_wilson=wilson(sum(row.correct for row in rows), len(rows)),
        balanced_accuracy=balanced,
        macro_f1=macro_f1,
        substring_accuracy=mean(row.contains_label for row in rows),
        names_none=mean(row.predicted == NONE for row in rows),
        names_several=mean(row.predicted == SEVERAL for row in rows),
        repetition_rate=mean(row.repeats for row in rows),
        cut_off_rate=mean(row.finish_reason == "length" for row in rows),
        words=mean(len(row.answer.split()) for row in rows),
    )


def compared(
    now: Sequence[Prediction], before: Sequence[Prediction], before_round: int, groups: Groups
) -> Comparison | None:
    """On the images that both answered; None where there are none."""
    earlier = {row.example_id: row.correct for row in before}
    both = [row for row in now if row.example_id in earlier]
    if not both:
        return None
    is_right = np.array([row.correct for row in both])
    was_right = np.array([earlier[row.example_id] for row in both])
    owners = [groups.get(row.example_id) for row in both]
    test = mcnemar(int((is_right & ~was_right).sum()), int((was_right & ~is_right).sum()))
    return Comparison(
        round=before_round,
        images=len(both),
        gained=test.gained,
        lost=test.lost,
        difference=difference(is_right, was_right, owners),
        p_exact=test.p_exact,
        p_mid=test.p_mid,
        grouped=has_groups(owners),
    )


def _decisions(rows: Sequence[Prediction]) -> Decisions:
    return Decisions([row.label for row in rows], [row.predicted for row in rows])


def _confusion(decisions: Decisions) -> Confusion:
    matrix = decisions.matrix()
    cells = [(int(i), int(j), int(matrix[i, j])) for i, j in np.argwhere(matrix)]
    return Confusion(labels=decisions.labels, columns=decisions.columns, cells=cells)


def _calibration(answers: Answers, split: Split) -> Calibration | None:
    """Of the images whose classes were asked for."""
    places = {label: place for place, label in enumerate(answers.classes)}
    rows = [row for row in answers.of(split) if row.log_likelihoods and row.label in places]
    if not rows:
        return None
    return calibration(np.array([row.log_likelihoods for row in rows]), [places[row.label] for row in rows])
