import torch

from services.trainer.tuning.images import batch_images


def test_images_of_one_shape_stand_one_after_the_other() -> None:
    first, second = torch.ones(1, 3, 4, 4), torch.zeros(1, 3, 4, 4)
    assert torch.equal(batch_images([{"pixel_values": first}, {"pixel_values": second}])["pixel_values"][1:], second)


def test_patches_of_several_images_are_one_list() -> None:
    grids = [{"pixel_values": torch.ones(n, 5), "image_grid_thw": torch.tensor([[1, n, 1]])} for n in (4, 2)]
    batch = batch_images(grids)
    assert batch["pixel_values"].shape == (6, 5)
    assert batch["image_grid_thw"].tolist() == [[1, 4, 1], [1, 2, 1]]


def test_fewer_tiles_and_smaller_pictures_are_filled_with_zeros_at_their_end() -> None:
    images = [{"pixel_values": torch.ones(1, 3, 2, 2, 4)}, {"pixel_values": torch.ones(1, 1, 2, 5, 2)}]
    pixels = batch_images(images)["pixel_values"]
    assert pixels.shape == (2, 3, 2, 5, 4)
    assert (pixels[0].sum(), pixels[1].sum()) == (3 * 2 * 2 * 4, 2 * 5 * 2)
    assert pixels[1, 0, :, :, :2].eq(1).all()
