from shared.types.concepts import ConceptBank

BANK = ConceptBank(version=1, concepts={"a": ("red", "long"), "b": ("red", "short"), "c": ("short", "blue")})


def test_negatives_leave_out_the_classes_own_concepts_by_text_and_count_each_once() -> None:
    assert BANK.without("a") == ("short", "blue")


def test_the_papers_list_keeps_repeats() -> None:
    assert BANK.with_repeats() == ("red", "long", "red", "short", "short", "blue")


def test_a_bank_from_before_there_was_provenance_is_read() -> None:
    bank = ConceptBank.model_validate_json('{"version": 1, "concepts": {"wren": ["short tail"]}}')
    assert (bank.concepts, bank.removed, bank.origin("wren", "short tail")) == ({"wren": ("short tail",)}, (), None)
