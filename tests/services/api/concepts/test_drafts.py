"""Banks that people write, without a server: published files, and property tests."""

from pathlib import Path

import pytest
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

from services.api.concepts.drafts import by_label, edited, given
from shared.concepts.labels import ConceptClass
from shared.types.concepts import BankSource, ConceptBank
from tests.services.api.concepts.banks import PUBLISHED, parsed_bank

BY = BankSource(id="expert_1", kind="expert")
CLASSES = [ConceptClass(label="wren"), ConceptClass(label="kite", aliases=("Milan",))]


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_files_are_taken_and_every_concept_is_kept_or_accounted_for(test_data: Path, name: str) -> None:
    bank = by_label(parsed_bank(test_data / name))
    classes = [ConceptClass(label=label.upper().replace(" ", "_"), raw=label) for label in bank]
    for clean in (True, False):
        draft = given(bank, classes, "object", BankSource(id="file_1", kind="file", name=name), clean)
        kept = sum(map(len, draft.bank.concepts.values()))
        assert draft.matched.unknown == []
        assert kept + len(draft.bank.removed) == sum(map(len, bank.values()))
        assert kept > 0.3 * len(bank)


@hypothesis_given(
    st.dictionaries(st.sampled_from(["wren", "KITE", "milan"]), st.lists(st.text(min_size=1), max_size=5))
)
def test_an_experts_concepts_are_all_there(bank: dict[str, list[str]]) -> None:
    draft = edited(None, bank, CLASSES, "bird", BY)
    wanted = {" ".join(concept.split()) for concepts in bank.values() for concept in concepts}
    assert {concept for concepts in draft.bank.concepts.values() for concept in concepts} == wanted
    assert ConceptBank.model_validate_json(draft.bank.model_dump_json()) == draft.bank


def test_an_edit_that_takes_back_an_edit_leaves_no_trace_of_it() -> None:
    first = edited(None, {"wren": ["a", "b"], "kite": ["c"]}, CLASSES, "bird", BY).bank
    less = edited(first, {"wren": ["a"], "kite": ["c"]}, CLASSES, "bird", BankSource(id="expert_2", kind="expert")).bank
    assert [(r.concept, r.reason) for r in less.removed] == [("b", "expert")]
    again = edited(less, {"wren": ["a", "b"], "kite": ["c"]}, CLASSES, "bird", BY).bank
    assert again.removed == ()
    assert again.concepts == first.concepts
