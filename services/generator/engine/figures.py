"""What our engine exports, as one table; docs/observability.md lists it. Pure."""

from shared.observing.figures import Figure

REQUESTS = Figure("selfsynth_engine_requests", "counter", "Chat requests by HTTP status", ("status",))
PROMPT_TOKENS = Figure("selfsynth_engine_prompt_tokens", "counter", "Tokens read")
TOKENS = Figure("selfsynth_engine_generated_tokens", "counter", "Tokens generated")
BATCH_ROWS = Figure(
    "selfsynth_engine_batch_rows", "histogram", "Rows of a batch", buckets=tuple(2**k for k in range(11))
)
FORWARD_PASSES = Figure("selfsynth_engine_forward_passes", "counter", "Times that the model made a token for its rows")
ADAPTERS = Figure(
    "selfsynth_engine_adapters", "counter", "Adapters asked for: hit (the files were here) or miss", ("cache",)
)
OPEN = Figure(
    "selfsynth_engine_open_requests", "gauge", "Requests that have no answer yet (vLLM's launcher tells it too)"
)
QUEUE_DEPTH = Figure("selfsynth_engine_queue_depth", "gauge", "Requests that wait")
ASLEEP = Figure("selfsynth_engine_asleep", "gauge", "1 while the engine sleeps")

FIGURES = (REQUESTS, PROMPT_TOKENS, TOKENS, BATCH_ROWS, FORWARD_PASSES, ADAPTERS, OPEN, QUEUE_DEPTH, ASLEEP)
