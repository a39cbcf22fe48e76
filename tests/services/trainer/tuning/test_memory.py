import pytest
import torch

from services.trainer.tuning.memory import is_out_of_memory, out_of_memory


def test_more_than_the_machine_has_is_seen_as_want_of_memory() -> None:
    with pytest.raises(RuntimeError) as error:
        torch.empty(2**60)
    assert is_out_of_memory(error.value)
    assert out_of_memory(error.value).code == "device_out_of_memory"


def test_an_accelerators_want_of_memory_is_seen() -> None:
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"))


def test_another_error_is_not_taken_for_it() -> None:
    with pytest.raises(RuntimeError) as error:
        torch.ones(2, 3) @ torch.ones(2, 3)
    assert not is_out_of_memory(error.value)
