"""What the coordinator exports, as one table; docs/observability.md lists it. Pure."""

from shared.observing.figures import Figure

_STEP_BUCKETS = (1, 5, 15, 60, 300, 900, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 24 * 3600, 72 * 3600)
_WAIT_BUCKETS = (0.1, 1, 5, 15, 60, 300, 900, 3600, 6 * 3600)
_RUNNING = ("job_id", "round", "step", "shard")

JOBS = Figure("selfsynth_jobs", "gauge", "Jobs by kind and status", ("kind", "status"))
JOB_SECONDS = Figure(
    "selfsynth_job_seconds",
    "histogram",
    "From a job's request to its end",
    ("kind", "status"),
    tuple(60 * bound for bound in _STEP_BUCKETS),
)
STEPS = Figure("selfsynth_steps", "gauge", "Shards of steps by their status", ("step", "status"))
ATTEMPTS = Figure(
    "selfsynth_attempts",
    "counter",
    "Attempts that are over: succeeded, failed, again (handed back), lost or cancelled",
    ("step", "outcome"),
)
ATTEMPT_SECONDS = Figure(
    "selfsynth_attempt_seconds",
    "histogram",
    "From an attempt's start to its end",
    ("step", "outcome"),
    _STEP_BUCKETS,
)
WAIT_SECONDS = Figure(
    "selfsynth_attempt_wait_seconds",
    "histogram",
    "From the queueing of an attempt to its start",
    ("step",),
    _WAIT_BUCKETS,
)
LEASE_EXPIRIES = Figure(
    "selfsynth_lease_expiries", "counter", "Attempts that were lost because nobody renewed their lease", ("step",)
)
RETRIES = Figure("selfsynth_retries", "counter", "Attempts made because the one before failed or was lost", ("step",))
RESENDS = Figure("selfsynth_messages_resent", "counter", "Messages sent again because the queue lost them", ("step",))
QUEUE_DEPTH = Figure("selfsynth_queue_depth", "gauge", "Messages that wait in the queue", ("queue",))
QUEUE_AGE = Figure(
    "selfsynth_queue_oldest_age_seconds", "gauge", "How long the oldest attempt has waited for a worker", ("queue",)
)
WORKERS = Figure("selfsynth_workers", "gauge", "Living workers of the queue, busy or idle", ("queue", "state"))
PROGRESS = Figure("selfsynth_running_progress_ratio", "gauge", "How much of a running step is done", _RUNNING)
# What workers push with their progress, by its name there.
PUSHED = {
    "tokens_per_s": Figure(
        "selfsynth_running_tokens_per_second", "gauge", "Tokens that a running step generates or trains on", _RUNNING
    ),
    "pairs_per_s": Figure(
        "selfsynth_running_pairs_per_second", "gauge", "Pairs that a running step trains on or scores", _RUNNING
    ),
    "images_per_s": Figure(
        "selfsynth_running_images_per_second", "gauge", "Images that a running ingest looks at", _RUNNING
    ),
    "mfu": Figure(
        "selfsynth_running_mfu_ratio", "gauge", "Model FLOPs utilisation of a running training, at least", _RUNNING
    ),
    "gpu_memory_bytes": Figure(
        "selfsynth_running_gpu_memory_bytes", "gauge", "The most GPU memory that a process of the step held", _RUNNING
    ),
    "loss": Figure("selfsynth_running_loss", "gauge", "Loss of a running training's last step", _RUNNING),
    "failed_requests": Figure(
        "selfsynth_running_failed_requests", "gauge", "Requests of a running step that failed for good", _RUNNING
    ),
}
UP = Figure("selfsynth_part_up", "gauge", "1 where database and queue answered this scrape", ("part",))
LAST_ROUND = Figure(
    "selfsynth_reconcile_last_round_timestamp_seconds", "gauge", "When this coordinator last looked at all live jobs"
)
RECONCILE_FAULTS = Figure("selfsynth_reconcile_faults", "counter", "Jobs that could not be moved, and were put off")
HTTP_SECONDS = Figure(
    "selfsynth_http_request_seconds",
    "histogram",
    "Requests to this coordinator, by route",
    ("method", "route", "status"),
    (0.01, 0.05, 0.1, 0.5, 1, 5, 30, 120),
)

# The same from every coordinator, since it is read from the database and the queue.
SHARED = (
    JOBS,
    JOB_SECONDS,
    STEPS,
    ATTEMPTS,
    ATTEMPT_SECONDS,
    WAIT_SECONDS,
    LEASE_EXPIRIES,
    RETRIES,
    RESENDS,
    QUEUE_DEPTH,
    QUEUE_AGE,
    WORKERS,
    PROGRESS,
    *PUSHED.values(),
)
OWN = (UP, LAST_ROUND, RECONCILE_FAULTS, HTTP_SECONDS)
