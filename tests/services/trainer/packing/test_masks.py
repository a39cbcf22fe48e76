import torch

from services.trainer.packing.masks import PADDING, additive, block_mask, dense_mask

BRANCHES = torch.tensor([[0, 0, 1, 1, 2, 2, PADDING]])


def test_a_branch_sees_what_is_shared_and_itself_never_another_branch() -> None:
    visible = dense_mask(BRANCHES)[0, 0].int().tolist()
    assert visible == [
        [1, 0, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0, 0],
        [1, 1, 1, 1, 0, 0, 0],
        [1, 1, 0, 0, 1, 0, 0],
        [1, 1, 0, 0, 1, 1, 0],
        [0, 0, 0, 0, 0, 0, 1],
    ]


def test_flex_attention_is_told_the_same() -> None:
    branches = torch.tensor([[0] * 40 + [1] * 50 + [2] * 60 + [PADDING] * 20, [0] * 90 + [1] * 80])
    mask = block_mask(branches)
    rows, length = branches.shape
    place = torch.arange(length)
    told = torch.stack([mask.mask_mod(torch.tensor(r), torch.tensor(0), place[:, None], place) for r in range(rows)])
    assert torch.equal(told, dense_mask(branches)[:, 0])


def test_added_to_scores_a_mask_leaves_what_is_visible() -> None:
    mask = dense_mask(BRANCHES)
    weights = additive(mask, torch.float32).softmax(-1)
    assert torch.equal(weights > 0, mask)
