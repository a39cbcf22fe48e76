"""Writes Grafana's dashboard (k8s/components/monitoring/dashboard.json) from the panels below. `--check` only says
whether it is up to date."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent.parent / "k8s" / "components" / "monitoring" / "dashboard.json"
_RUNNING = "job_id, round, step, shard"
_LEGEND = "{{job_id}} {{step}} {{shard}}"
_WIDTH, _HEIGHT, _ROW = 8, 7, 24


@dataclass(frozen=True)
class Panel:
    """`queries` are PromQL, each with its legend."""

    title: str
    unit: str
    queries: tuple[tuple[str, str], ...]


def _running(title: str, unit: str, metric: str) -> Panel:
    return Panel(title, unit, ((f"max by ({_RUNNING}) ({metric})", _LEGEND),))


def _quantile(share: float, metric: str, by: str) -> str:
    return f"histogram_quantile({share}, sum by (le, {by}) (rate({metric}_bucket[5m])))"


PANELS: dict[str, tuple[Panel, ...]] = {
    "Jobs and steps": (
        Panel("Live jobs", "short", (
            ('max by (kind, status) (selfsynth_jobs{status!~"succeeded|failed|cancelled"})', "{{kind}} {{status}}"),
        )),
        Panel("Jobs that ended, an hour", "short", (
            ("max by (kind, status) (increase(selfsynth_job_seconds_count[1h]))", "{{kind}} {{status}}"),
        )),
        Panel("Live steps", "short", (
            ('max by (step, status) (selfsynth_steps{status=~"pending|queued|running"})', "{{step}} {{status}}"),
        )),
        _running("Progress of running steps", "percentunit", "selfsynth_running_progress_ratio"),
        Panel("Attempts that ended, an hour", "short", (
            ("max by (step, outcome) (increase(selfsynth_attempts_total[1h])) > 0", "{{step}} {{outcome}}"),
        )),
        Panel("Lost leases, retries, messages sent again, an hour", "short", (
            ("sum(max by (step) (increase(selfsynth_lease_expiries_total[1h])))", "leases that ran out"),
            ("sum(max by (step) (increase(selfsynth_retries_total[1h])))", "retries"),
            ("sum(max by (step) (increase(selfsynth_messages_resent_total[1h])))", "messages sent again"),
        )),
        Panel("Mean length of attempts", "s", ((
            "max by (step) (increase(selfsynth_attempt_seconds_sum{outcome='succeeded'}[1d]))"
            " / max by (step) (increase(selfsynth_attempt_seconds_count{outcome='succeeded'}[1d]) > 0)",
            "{{step}}",
        ),)),
    ),
    "Queues and workers": (
        Panel("Messages that wait", "short", (("max by (queue) (selfsynth_queue_depth)", "{{queue}}"),)),
        Panel("Age of the oldest", "s", (("max by (queue) (selfsynth_queue_oldest_age_seconds)", "{{queue}}"),)),
        Panel("Workers", "short", (("max by (queue, state) (selfsynth_workers)", "{{queue}} {{state}}"),)),
        Panel("Mean wait for a worker", "s", ((
            "max by (step) (increase(selfsynth_attempt_wait_seconds_sum[1h]))"
            " / max by (step) (increase(selfsynth_attempt_wait_seconds_count[1h]) > 0)",
            "{{step}}",
        ),)),
        Panel("Messages handled, a minute", "short", (
            ("60 * sum by (step, outcome) (rate(selfsynth_worker_messages_total[5m]))", "{{step}} {{outcome}}"),
        )),
        Panel("Workers that take no messages", "short", (
            ("count(selfsynth_worker_healthy == 0) or vector(0)", "workers"),
        )),
    ),
    "Generation": (
        Panel("Tokens a second, by the workers", "short", (
            ("sum by (step, kind) (rate(selfsynth_generation_tokens_total[2m]))", "{{step}} {{kind}}"),
        )),
        Panel("Requests a second", "reqps", (
            ("sum by (step, outcome) (rate(selfsynth_generation_requests_total[2m]))", "{{step}} {{outcome}}"),
        )),
        Panel("Time to an answer", "s", (
            (_quantile(0.5, "selfsynth_generation_request_seconds", "step"), "{{step}} half"),
            (_quantile(0.95, "selfsynth_generation_request_seconds", "step"), "{{step}} 95%"),
        )),
        Panel("Tokens a second, by the engines", "short", (
            ("sum by (instance) (rate(selfsynth_engine_generated_tokens_total[2m]))", "{{instance}}"),
            ("sum by (instance) (rate(vllm:generation_tokens_total[2m]))", "{{instance}}"),
        )),
        Panel("Requests in the engines", "short", (
            ("sum by (instance) (selfsynth_engine_open_requests)", "{{instance}} open"),
            ("sum by (instance) (selfsynth_engine_queue_depth)", "{{instance}} waiting"),
            ("sum by (instance) (vllm:num_requests_waiting)", "{{instance}} waiting"),
        )),
        Panel("Cache of keys and values, use; prefix cache, hits", "percentunit", (
            ("max by (instance) (vllm:kv_cache_usage_perc)", "{{instance}} use"),
            (
                "sum by (instance) (rate(vllm:prefix_cache_hits_total[5m]))"
                " / sum by (instance) (rate(vllm:prefix_cache_queries_total[5m]))",
                "{{instance}} hits",
            ),
        )),
        Panel("Adapters asked for, a minute", "short", (
            ("60 * sum by (cache) (rate(selfsynth_engine_adapters_total[5m]))", "{{cache}}"),
        )),
    ),
    "Selection": (
        Panel("Pairs a second", "short", (("sum by (step) (rate(selfsynth_selection_pairs_total[5m]))", "{{step}}"),)),
        Panel("Embeddings from the cache", "percentunit", ((
            'sum(rate(selfsynth_selection_texts_total{cache="hit"}[5m]))'
            " / sum(rate(selfsynth_selection_texts_total[5m]))",
            "hits",
        ),)),
        _running("Pairs a second, by step", "short", "selfsynth_running_pairs_per_second"),
    ),
    "Training": (
        Panel("Pairs a second", "short", (("sum(rate(selfsynth_training_pairs_total[5m]))", "pairs"),)),
        Panel("Tokens a second", "short", (("sum(rate(selfsynth_training_tokens_total[5m]))", "tokens"),)),
        _running("Model FLOPs utilisation", "percentunit", "selfsynth_running_mfu_ratio"),
        _running("Loss", "short", "selfsynth_running_loss"),
        _running("GPU memory", "bytes", "selfsynth_running_gpu_memory_bytes"),
        Panel("Checkpoints, an hour", "short", (("sum(increase(selfsynth_training_checkpoints_total[1h]))", "made"),)),
    ),
    "Coordinator": (
        Panel("Requests a second", "reqps", (
            ("sum by (method, route, status) (rate(selfsynth_http_request_seconds_count[5m]))",
             "{{method}} {{route}} {{status}}"),
        )),
        Panel("95% of requests within", "s", (
            (_quantile(0.95, "selfsynth_http_request_seconds", "route"), "{{route}}"),
        )),
        Panel("Since the last round of reconcile", "s", (
            ("time() - max(selfsynth_reconcile_last_round_timestamp_seconds)", "seconds"),
            ("sum(increase(selfsynth_reconcile_faults_total[10m]))", "jobs put off in 10 minutes"),
        )),
    ),
}  # fmt: skip


def dashboard() -> dict[str, Any]:
    return {
        "uid": "selfsynth",
        "title": "SelfSynth",
        "tags": ["selfsynth"],
        "schemaVersion": 39,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [{"name": "source", "type": "datasource", "query": "prometheus"}]},
        "panels": [{"id": number, **panel} for number, panel in enumerate(_placed(), start=1)],
    }


def _placed() -> Iterator[dict[str, Any]]:
    """Rows one below the other, three panels side by side."""
    top = 0
    for title, panels in PANELS.items():
        yield {"type": "row", "title": title, "gridPos": {"x": 0, "y": top, "w": _ROW, "h": 1}, "panels": []}
        per_line = _ROW // _WIDTH
        for k, panel in enumerate(panels):
            place = {"x": _WIDTH * (k % per_line), "y": top + 1 + _HEIGHT * (k // per_line), "w": _WIDTH, "h": _HEIGHT}
            yield _shown(panel, place)
        top += 1 + _HEIGHT * -(-len(panels) // per_line)


def _shown(panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "${source}"}
    targets = [
        {"refId": chr(ord("A") + k), "expr": query, "legendFormat": legend, "datasource": source}
        for k, (query, legend) in enumerate(panel.queries)
    ]
    return {
        "type": "timeseries",
        "title": panel.title,
        "gridPos": place,
        "datasource": source,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": targets,
    }


def text() -> str:
    return json.dumps(dashboard(), indent=1) + "\n"


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(0 if FILE.read_text() == text() else f"{FILE} is out of date: run python -m tools.dashboard")
    FILE.write_text(text())
