"""States and step names of a job (design: "States", "The loop"). Pure."""

from enum import StrEnum


class JobStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        return self in (JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED)


class StepStatus(StrEnum):
    PENDING = "pending"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        return self in (StepStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.CANCELLED)


class StepName(StrEnum):
    INGEST = "ingest"
    DESCRIBE = "describe"
    SELECT_CONCEPTS = "select_concepts"
    SYNTHESISE = "synthesise"
    ANSWER = "answer"
    SELECT_ANSWERS = "select_answers"
    TRAIN = "train"
    EVALUATE = "evaluate"
    BENCHMARK = "benchmark"
    ASK_CONCEPTS = "ask_concepts"
    VIEW_CONCEPTS = "view_concepts"
    CLEAN_CONCEPTS = "clean_concepts"
    EXPORT = "export"


class QueueName(StrEnum):
    """Four queues, named by the kind of machine that serves them."""

    DATA = "data"
    GENERATION = "generation"
    SELECTION = "selection"
    TRAINING = "training"


QUEUE_OF_STEP: dict[StepName, QueueName] = {
    StepName.INGEST: QueueName.DATA,
    StepName.DESCRIBE: QueueName.GENERATION,
    StepName.SELECT_CONCEPTS: QueueName.SELECTION,
    StepName.SYNTHESISE: QueueName.GENERATION,
    StepName.ANSWER: QueueName.GENERATION,
    StepName.SELECT_ANSWERS: QueueName.SELECTION,
    StepName.TRAIN: QueueName.TRAINING,
    StepName.EVALUATE: QueueName.GENERATION,
    StepName.BENCHMARK: QueueName.GENERATION,
    StepName.ASK_CONCEPTS: QueueName.DATA,
    StepName.VIEW_CONCEPTS: QueueName.GENERATION,
    StepName.CLEAN_CONCEPTS: QueueName.SELECTION,
    StepName.EXPORT: QueueName.TRAINING,
}
