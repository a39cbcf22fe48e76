from services.trainer.notes import Pace
from services.trainer.step.spending import Spending, spent
from shared.objects import ObjectStore


def a_pace(gpu: float, cpu: float) -> Pace:
    return Pace(tokens_per_s=1, eta_s=1, gpu_memory_bytes=0, gpu_seconds=gpu, cpu_seconds=cpu)


def test_what_every_launch_took_adds_up(store: ObjectStore) -> None:
    first, second = Spending(store, "out", "a1-run1"), Spending(store, "out", "a2-run1")
    for gpu in (1.5, 2.5):
        first.pace = a_pace(gpu, 8)
        first.save()
    second.pace = a_pace(4, 16)
    second.save()
    assert spent(store, "out") == {"gpu_seconds": 6.5, "cpu_seconds": 24}


def test_a_launch_that_ended_before_its_first_step_took_nothing(store: ObjectStore) -> None:
    Spending(store, "out", "a1-run1").save()
    assert spent(store, "out") == {"gpu_seconds": 0, "cpu_seconds": 0}
