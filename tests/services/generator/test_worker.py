import json
import os
import subprocess
import sys
from pathlib import Path

from shared.types.lifecycle import StepName
from shared.types.records import Description
from tests.services.generator.fake_engine import FakeEngine
from tests.services.generator.steps.scene import build_scene
from tests.shared.worker.coordinator_stub import running_stub

_RUN = "import sys, json; from services.generator.worker import run_step; run_step(json.loads(sys.argv[1]))"


def test_a_message_is_worked_off_and_its_manifest_handed_to_the_coordinator(tmp_path: Path) -> None:
    scene = build_scene(tmp_path)
    message = scene.context(StepName.DESCRIBE, {"describe": {"samples": 1}}).task.model_dump(mode="json")
    with FakeEngine(key="secret") as fake, running_stub() as coordinator:
        environment = {
            **os.environ,
            "SELFSYNTH_STORE_URL": scene.store.url,
            "SELFSYNTH_REDIS_URL": "redis://127.0.0.1:1",
            "SELFSYNTH_COORDINATOR_URL": coordinator.url,
            "SELFSYNTH_WORKER_TOKEN": "token",
            "SELFSYNTH_ENGINE_URL": fake.url,
            "SELFSYNTH_ENGINE_KEY": "secret",
        }
        subprocess.run([sys.executable, "-c", _RUN, json.dumps(message)], env=environment, check=True, timeout=60)
    assert coordinator.verbs()[0] == "started"
    assert coordinator.body("ended")["outcome"] == "succeeded"
    assert len(scene.rows(Description, coordinator.body("ended")["manifest"]["key"])) == 30
