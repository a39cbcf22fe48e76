import signal

from services.trainer.step.child import explain


def test_a_full_accelerator_is_named_with_what_to_lower() -> None:
    error = explain(1, "Traceback ...\ntorch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB")
    assert error.code == "device_out_of_memory"
    assert "train.micro_batch_size" in error.remedy


def test_another_end_is_told_with_its_last_lines() -> None:
    error = explain(1, "\n".join(f"line {n}" for n in range(100)))
    assert error.code == "training_process_died"
    assert "exit status 1" in error.message
    assert "line 99" in error.message
    assert "line 20" not in error.message


def test_a_signal_is_told_by_name() -> None:
    assert "SIGKILL (the machine may be out of memory)" in explain(-signal.SIGKILL, "").message
