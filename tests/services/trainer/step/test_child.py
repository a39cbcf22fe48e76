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


def test_other_work_than_training_is_named() -> None:
    error = explain(1, "no reason", "merging")
    assert error.code == "merging_process_died"
    assert "the merging subprocess ended" in error.message
    assert "train." not in explain(1, "torch.OutOfMemoryError: CUDA out of memory", "merging").remedy


def test_of_several_processes_the_one_that_failed_first_is_told() -> None:
    story = ["loading", "[rank1]: Traceback (most recent call last):", "[rank1]: FileExistsError: best"]
    story += ["[rank0]: Traceback (most recent call last):", "[rank0]: RuntimeError: Connection closed by peer"]
    message = explain(1, "\n".join([*story, *["the launcher's summary"] * 20])).message
    assert message.endswith("[rank1]: FileExistsError: best")
    assert "closed by peer" not in message


def test_a_signal_is_told_by_name() -> None:
    assert "SIGKILL (the machine may be out of memory)" in explain(-signal.SIGKILL, "").message
