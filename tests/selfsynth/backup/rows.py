"""A stack's databases with one accepted artefact in them, without any service."""

import json

from selfsynth.stack import StackRecord
from services.api.database.connection import Database
from services.api.database.models import Adapter, Artefact, Dataset, Job, Step
from shared.artefacts import ArtefactWriter, ManifestRef
from shared.objects import open_store
from shared.types.records import Description
from tests.shared.tasks import a_task


def fill(record: StackRecord) -> ManifestRef:
    """One job with one step that is done, its adapter of round 1, and an object that no row names."""
    task, store = a_task(), open_store(record.store_url)
    writer = ArtefactWriter(store, task, Description)
    row = Description(example_id="1", instruction=0, sample=0, text="a red bird", finish_reason="stop")
    writer.put(0, [row])
    ref = writer.finish(1)
    store.put("jobs/half a part", b"x" * 20_000_000)
    job = {"model": "m", "rounds": 1, "method": "default", "seed": 0, "settings": {}}
    where = {"job_id": task.job_id, "round": task.round}
    here = {"step": task.step.value, "shard": 0, "shards": 1, "status": "succeeded"}
    database = Database(record.database_url)
    database.migrate()
    with database.transaction() as session:
        session.add(Dataset(id="ds", name="birds", status="ready", source={}))
        session.flush()
        session.add(Job(id=task.job_id, kind="tuning", status="running", dataset_id="ds", **job))
        session.flush()
        session.add(Step(id=task.step_id, **where, **here))
        session.flush()
        session.add(Artefact(step_id=task.step_id, attempt=1, key=ref.key, sha256=ref.sha256, rows=1, figures={}))
        session.add(Adapter(job_id=task.job_id, round=1, name="known", prefix="p", sha256="s"))
    database.close()
    for name in ("known", "of a later round"):
        store.put(f"adapters/{name}.json", json.dumps({"name": name, "prefix": "p", "sha256": "s"}).encode())
    return ref
