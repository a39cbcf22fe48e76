from typing import Any

import pytest

from shared.errors import InvalidInput
from shared.job_settings import JobSettings, resolve
from shared.types.domain import Domain


def test_the_defaults_are_the_published_ones_where_they_are_not_faults() -> None:
    settings = JobSettings()
    assert (settings.describe.instructions, settings.describe.samples) == (3, 10)
    assert (settings.train.lora_rank, settings.train.lora_alpha, settings.train.learning_rate) == (128, 256, 1e-5)


def test_all_faults_are_in_one_answer() -> None:
    with pytest.raises(InvalidInput) as caught:
        resolve("default", {"describe": {"samples": 0, "colour": 1}, "train": {"epochs": "many"}, "nonsense": True})
    for name in ("settings.describe.samples", "settings.describe.colour", "settings.train.epochs", "settings.nonsense"):
        assert name in caught.value.message


def test_rounds_are_merged_into_whole_weights_only() -> None:
    with pytest.raises(InvalidInput, match="merged into a base of 4 bits"):
        resolve("paper", {"train": {"base_precision": "4bit"}})
    with pytest.raises(InvalidInput, match="weights shared out by zero3"):
        resolve("paper", {"train": {"parallel": "zero3"}})


def test_weights_of_four_bits_are_not_shared_out() -> None:
    resolve("default", {"train": {"parallel": "zero2", "base_precision": "4bit"}})
    with pytest.raises(InvalidInput, match=r"settings\.train: .*shared out by zero3"):
        resolve("default", {"train": {"parallel": "zero3", "base_precision": "4bit"}})


def test_the_served_rank_grows_only_where_rounds_are_merged() -> None:
    assert [resolve(method, {}).train.served_rank(4) for method in ("default", "paper")] == [128, 512]


def test_a_field_of_its_own_overrides_the_papers_preset() -> None:
    settings = resolve("paper", {"select_answers": {"label_first": True}})
    assert settings.select_answers.label_first
    assert settings.select_answers.negatives == "all_concepts"


def test_the_papers_concepts_are_chosen_by_whole_descriptions_as_published() -> None:
    chosen = resolve("paper", {}).select_concepts
    assert (chosen.evidence, chosen.tau, chosen.threshold_std, chosen.at_least) == ("description", 0.1, 0.4, 3)
    assert resolve("default", {}).select_concepts.evidence == "clause"


def test_images_are_changed_as_the_domain_allows_only_where_that_is_asked_for() -> None:
    x_ray, ask = Domain(noun="chest X-ray"), {"train": {"augment": "domain"}}
    assert resolve("default", {}, x_ray).train.augmentations == ()
    assert resolve("default", ask, x_ray).train.augmentations == ("colour_jitter",)
    assert resolve("default", {"noun": "Chest x-ray", **ask}, Domain()).train.augmentations == ("colour_jitter",)
    assert resolve("default", ask).train.augmentations == ("rotation", "affine")


def test_a_list_of_augmentations_stands_over_the_domains_and_its_names_are_checked() -> None:
    listed: dict[str, Any] = {"augment": "domain", "augmentations": ["blur"]}
    assert resolve("default", {"train": listed}, Domain(noun="dog")).train.augmentations == ("blur",)
    with pytest.raises(InvalidInput, match=r"settings\.train\.augmentations\.0: .*'flip_horizontal'"):
        resolve("default", {"train": {"augmentations": ["flip"]}})


def test_an_unknown_method_names_the_known_ones() -> None:
    with pytest.raises(InvalidInput, match="'magic'") as caught:
        resolve("magic", {})
    assert "default, paper" in caught.value.remedy


def test_the_learning_rate_decays_by_round_and_the_first_round_has_it_whole() -> None:
    train = resolve("default", {"train": {"learning_rate": 0.01, "round_decay": 0.5}}).train
    assert [train.of_round(n).learning_rate for n in (1, 2, 3)] == [0.01, 0.005, 0.0025]
    assert train.of_round(2).epochs == train.epochs
