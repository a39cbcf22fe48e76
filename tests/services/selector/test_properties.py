"""What the selector promises where the published method is at fault (docs/method.md numbers the faults).

Each property is checked on ours, and shown to refute a faulty version.
"""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from torch import Tensor

from services.selector.concepts import ranked
from services.selector.encoder import SentenceEncoder
from services.selector.evidence import Evidence
from services.selector.judging import Judge
from services.selector.ranking import AnswerRanking
from services.selector.wiring import encoder_model
from shared.job_settings import SelectAnswersSettings, SelectConceptsSettings
from shared.scoring.labels import LabelScorer
from shared.types.concepts import ConceptBank
from shared.types.records import Description
from tests.services.selector import faulty
from tests.services.selector.worlds import TableEncoder, candidate, description

Scores = Callable[[Sequence[Description], dict[str, str], ConceptBank, TableEncoder, float], dict[str, Tensor]]
AnswerScores = Callable[[ConceptBank, TableEncoder, Sequence[str], str, Sequence[str]], list[float]]
# Not shrunk: the faulty versions fail by design, and shrinking those failures would take most of the time.
quick = settings(
    max_examples=40,
    derandomize=True,
    deadline=None,
    database=None,
    report_multiple_bugs=False,
    phases=(Phase.explicit, Phase.generate),
)
texts = st.text("abcdef ", min_size=1, max_size=6)
BANK = ConceptBank(version=1, concepts={"wren": ("brown", "short"), "kite": ("forked", "long", "red")})
LABELS = {"w1": "wren", "w2": "wren", "k1": "kite", "k2": "kite"}


def concept_scores(
    rows: Sequence[Description], labels: dict[str, str], bank: ConceptBank, encoder: TableEncoder, tau: float
) -> dict[str, Tensor]:
    evidence = Evidence(bank, labels, labels, encoder, tau, "other_classes")
    evidence.add_all(rows)
    return {key: evidence.scores(key) for key in labels}


def answer_scores(
    bank: ConceptBank, encoder: TableEncoder, answers: Sequence[str], label: str, chosen: Sequence[str]
) -> list[float]:
    return AnswerRanking(bank, encoder, 0.1, "other_classes").scores(answers, label, chosen)


def choose(scores: Sequence[float], at_least: int) -> list[int]:
    names = [str(k) for k in range(len(scores))]
    values_z = torch.tensor(scores, dtype=torch.float64)
    rows = ranked("x", names, values_z, SelectConceptsSettings(at_least=at_least))
    return [int(row.concept) for row in rows if row.chosen]


def described(*words: str) -> list[Description]:
    return [description(key, word) for key, word in zip(LABELS, words, strict=True)]


def check_images_of_the_class_are_no_negatives(scores: Scores) -> None:
    @quick
    @given(one=texts, other=texts)
    def check(one: str, other: str) -> None:
        first = scores(described("tiny", one, "forked tail", "in flight"), LABELS, BANK, TableEncoder(), 0.1)
        second = scores(described("tiny", other, "forked tail", "in flight"), LABELS, BANK, TableEncoder(), 0.1)
        torch.testing.assert_close(first["w1"], second["w1"], rtol=1e-12, atol=1e-12)

    check()


def check_scores_are_finite_for_any_tau(scores: Scores) -> None:
    @quick
    @given(tau=st.floats(min_value=0, exclude_min=True, max_value=1e6) | st.sampled_from([0.01, 1e-3, 5e-324]))
    def check(tau: float) -> None:
        found = scores(described("tiny", "small", "forked tail", "in flight"), LABELS, BANK, TableEncoder(), tau)
        assert all(bool(torch.isfinite(row).all()) for row in found.values())

    check()


def check_ids_are_no_positions(scores: Scores) -> None:
    rows = described("tiny", "small", "forked tail", "in flight")

    @quick
    @given(order=st.permutations(rows))
    def check(order: list[Description]) -> None:
        expected = scores(rows, LABELS, BANK, TableEncoder(), 0.1)
        for key, row in scores(order, LABELS, BANK, TableEncoder(), 0.1).items():
            torch.testing.assert_close(row, expected[key], rtol=1e-12, atol=1e-12)

    check()


def check_each_description_is_embedded_once(scores: Scores) -> None:
    for count in (4, 40):
        encoder, labels = TableEncoder(), {f"i{k}": ("wren", "kite")[k % 2] for k in range(count)}
        scores([description(key, f"text of {key}") for key in labels], labels, BANK, encoder, 0.1)
        assert encoder.embedded == count + sum(map(len, BANK.concepts.values()))


def check_a_short_bank_is_handled(choose: Callable[[Sequence[float], int], list[int]]) -> None:
    @quick
    @given(st.lists(st.floats(-1e6, 0), min_size=1, max_size=6), st.integers(1, 5))
    def check(scores: list[float], at_least: int) -> None:
        chosen = choose(scores, at_least)
        assert len(set(chosen)) == len(chosen) >= min(at_least, len(scores))
        assert min(scores[k] for k in chosen) >= max((s for k, s in enumerate(scores) if k not in chosen), default=-1e9)

    check()


def check_the_class_s_own_concepts_are_no_negatives(scores: AnswerScores) -> None:
    """Neither under the class nor under another that shares them."""

    @quick
    @given(own=st.sets(texts, min_size=1, max_size=3), answer=texts)
    def check(own: set[str], answer: str) -> None:
        apart = ConceptBank(version=1, concepts={"wren": tuple(own), "kite": ("FORKED",)})
        sharing = ConceptBank(version=1, concepts={"wren": tuple(own), "kite": ("FORKED", *own)})
        chosen = sorted(own)[:1]
        expected = scores(apart, TableEncoder(), [answer], "wren", chosen)
        assert scores(sharing, TableEncoder(), [answer], "wren", chosen) == pytest.approx(expected, rel=1e-9, abs=1e-12)

    check()


def check_a_shared_concept_is_one_negative(scores: AnswerScores) -> None:
    once = ConceptBank(version=1, concepts={"wren": ("brown",), "kite": ("forked",), "finch": ("thick",)})
    twice = ConceptBank(version=1, concepts={"wren": ("brown",), "kite": ("forked",), "finch": ("forked", "thick")})
    for bank in (once, twice):
        assert scores(bank, TableEncoder(), ["tiny"], "wren", ["brown"]) == pytest.approx(
            scores(once, TableEncoder(), ["tiny"], "wren", ["brown"]), rel=1e-9
        )


def check_the_best_candidate_that_names_the_label_is_kept(judge: Judge) -> None:
    answer = st.sampled_from(["A wren.", "A kite.", "A wren or a kite.", "A bird.", "Not a wren."])

    @quick
    @given(st.lists(st.tuples(answer, st.floats(-9, 0)), min_size=1, max_size=5))
    def check(answers: list[tuple[str, float]]) -> None:
        rows = judge.judged([candidate(text, k, score=s) for k, (text, s) in enumerate(answers)], "wren")
        kept = [(row.text, row.score) for row in rows if row.kept]
        best = max((s for text, s in answers if text == "A wren."), default=None)
        assert kept == ([] if best is None else [("A wren.", best)])
        assert len(rows) == len(answers)
        assert all(row.reason for row in rows)

    check()


def check_a_cut_off_answer_is_never_chosen(judge: Judge) -> None:
    @quick
    @given(st.lists(st.tuples(st.sampled_from(["stop", "length"]), st.floats(-9, 0)), min_size=1, max_size=5))
    def check(ends: list[tuple[Any, float]]) -> None:
        rows = [candidate("A wren.", k, finish_reason=end, score=score) for k, (end, score) in enumerate(ends)]
        kept = [row for row in judge.judged(rows, "wren") if row.kept]
        assert [row.finish_reason for row in kept] == ["stop"] * any(end == "stop" for end, _ in ends)

    check()


def check_one_class_is_named_by_whole_words_and_digits(scorer: Callable[[list[str]], Any]) -> None:
    numbers = st.integers(100, 999)

    @quick
    @given(st.lists(st.builds("{}-{}00".format, numbers, st.integers(1, 9)), min_size=2, max_size=5, unique=True))
    def check(labels: list[str]) -> None:
        told = scorer(labels)
        for label in labels:
            assert [other for other in labels if told.names(f"This is a {label}.", other)] == [label]
            assert not told.names(f"This is not a {label}.", label)
            assert not told.names("I do not know", label)
            assert not told.names(" or ".join(labels), label)

    check()


def check_the_prefix_goes_before_every_text(encoder: type[SentenceEncoder]) -> None:
    folder = encoder_model("minilm")
    asked = encoder(folder, prefix="query: ").encode(["a red beak", "long tail"])
    plain = encoder(folder).encode(["query: a red beak", "query: long tail"])
    torch.testing.assert_close(asked, plain)


def judge(kind: type[Judge]) -> Judge:
    return kind(LabelScorer(["wren", "kite"]), SelectAnswersSettings())


PROPERTIES: list[tuple[Callable[[Any], None], Any, Any]] = [
    (check_images_of_the_class_are_no_negatives, concept_scores, faulty.scores_against_all_other_images),
    (check_scores_are_finite_for_any_tau, concept_scores, faulty.scores_by_exponentials),
    (check_ids_are_no_positions, concept_scores, faulty.scores_by_position),
    (check_each_description_is_embedded_once, concept_scores, faulty.scores_against_all_other_images),
    (check_a_short_bank_is_handled, choose, faulty.choose_above_mean_and_std),
    (check_the_class_s_own_concepts_are_no_negatives, answer_scores, faulty.answer_scores_against_every_concept),
    (check_a_shared_concept_is_one_negative, answer_scores, faulty.answer_scores_against_every_concept),
    (check_the_best_candidate_that_names_the_label_is_kept, judge(Judge), judge(faulty.BestScoreFirst)),
    (check_a_cut_off_answer_is_never_chosen, judge(Judge), judge(faulty.NoFinishCheck)),
    (check_one_class_is_named_by_whole_words_and_digits, LabelScorer, faulty.SubstringScorer),
    (check_the_prefix_goes_before_every_text, SentenceEncoder, faulty.PrefixlessEncoder),
]
named = pytest.mark.parametrize(
    ("check", "ours", "wrong"), PROPERTIES, ids=[check.__name__ for check, _, _ in PROPERTIES]
)


@named
def test_the_property_holds(check: Callable[[Any], None], ours: Any, wrong: Any) -> None:
    check(ours)


@pytest.mark.filterwarnings("ignore:std")
@named
def test_the_property_refutes_the_faulty_version(check: Callable[[Any], None], ours: Any, wrong: Any) -> None:
    with pytest.raises((AssertionError, IndexError)):
        check(wrong)
