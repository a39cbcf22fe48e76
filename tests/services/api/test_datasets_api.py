"""POST and GET /datasets: by path and by upload, with good and bad ones."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.services.api.conftest import Stack
from tests.services.api.pictures import LABELS, class_folders, reference_folder


@pytest.fixture
def folder(standing: Stack, request: pytest.FixtureRequest) -> Path:
    """A folder of the test's own below the import root."""
    return Path(standing.settings.import_roots[0]) / str(request.node.name).replace("/", "_")[:60]


def upload(stack: Stack, folder: Path, **fields: str) -> httpx.Response:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder.parent))
    return stack.client.post("/datasets/upload", data={"name": "up", **fields}, files={"file": packed.getvalue()})


def settled(stack: Stack, dataset: str) -> Any:
    stack.play_until(lambda: stack.get(f"/datasets/{dataset}")["status"] != "validating")
    return stack.get(f"/datasets/{dataset}")


def test_a_data_set_is_registered_validated_and_ready(standing: Stack, folder: Path) -> None:
    path = reference_folder(folder)
    response = standing.client.post("/datasets", json={"name": "birds", "source": {"path": str(path)}})
    made = response.json()
    assert (response.status_code, response.headers["location"]) == (202, f"/datasets/{made['id']}")
    assert made["status"] == "validating"
    ready = settled(standing, made["id"])
    assert (ready["status"], ready["layout"]) == ("ready", "reference_json")
    assert ready["splits"] == {"train": 8, "validation": 2, "test": 4}
    assert ready["concept_bank"] == {"version": 1, "concepts": dict.fromkeys(LABELS, 2)}
    assert made["id"] in [d["id"] for d in standing.get("/datasets")["items"]]


def test_an_example_is_shown_by_its_id(standing: Stack, folder: Path) -> None:
    dataset = standing.dataset(class_folders(folder, per_class=3))
    path = f"/datasets/{dataset['id']}/images/{LABELS[0]}/1.png"
    response = standing.client.get(path)
    assert response.content == (folder / LABELS[0] / "1.png").read_bytes()
    assert response.headers["content-type"] == "image/png"
    assert standing.client.get(f"{path}.none").status_code == 404


def test_broken_images_make_the_data_set_invalid_with_a_line_for_each_file(standing: Stack, folder: Path) -> None:
    class_folders(folder, per_class=3)
    (folder / LABELS[0] / "empty.png").write_bytes(b"")
    dataset = standing.dataset(folder)
    assert dataset["status"] == "invalid"
    assert [e["file"] for e in dataset["report"]["errors"]] == [f"{LABELS[0]}/empty.png"]
    assert standing.dataset(folder, policy="skip")["status"] == "ready"


def test_a_path_without_a_layout_ends_invalid_and_says_why(standing: Stack, folder: Path) -> None:
    folder.mkdir()
    dataset = standing.post("/datasets", {"name": "x", "source": {"path": str(folder)}})
    task = standing.next_task()
    with standing.worker.call(task) as coordinator:
        coordinator.started()
        coordinator.failed(_refusal(standing, task))
    found = settled(standing, dataset["id"])
    assert found["status"] == "invalid"
    assert "no layout that is known" in found["report"]["errors"][0]["message"]


@pytest.mark.parametrize(
    "path", ["/etc", "relative/path", "{root}/../..", "{root}/none", "{root}/a\0b", "{root}/" + "long" * 3000]
)
def test_only_existing_paths_below_the_import_roots_are_read(standing: Stack, path: str) -> None:
    path = path.format(root=standing.settings.import_roots[0])
    response = standing.client.post("/datasets", json={"name": "x", "source": {"path": path}})
    assert response.status_code == 422
    assert response.json()["code"] in ("path_not_allowed", "invalid_input")


def test_concepts_in_the_request_replace_the_data_sets_own(standing: Stack, folder: Path) -> None:
    dataset = standing.dataset(reference_folder(folder), concepts={label: ["a", "b", "b"] for label in LABELS})
    assert dataset["concept_bank"]["concepts"] == dict.fromkeys(LABELS, 2)


def test_an_upload_becomes_a_data_set(standing: Stack, folder: Path) -> None:
    response = upload(standing, class_folders(folder, per_class=4), options=json.dumps({"test_share": 0.25}))
    assert response.status_code == 202, response.text
    dataset = settled(standing, response.json()["id"])
    assert (dataset["status"], dataset["splits"]) == ("ready", {"train": 4, "validation": 2, "test": 2})


def test_an_upload_that_is_unsafe_or_unknown_makes_nothing(standing: Stack, folder: Path) -> None:
    before = len(standing.get("/datasets?limit=1000")["items"])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../escape.png", b"x")
    for body, options in (
        (packed.getvalue(), "{}"),
        (b"no archive", "{}"),
        (packed.getvalue(), "{"),
        (b"", '{"x": 1}'),
    ):
        data = {"name": "bad", "options": options}
        response = standing.client.post("/datasets/upload", data=data, files={"file": body})
        assert response.status_code in (400, 422), response.text
        assert response.json()["remedy"]
    assert len(standing.get("/datasets?limit=1000")["items"]) == before


def test_an_upload_over_the_limit_is_refused(standing: Stack) -> None:
    response = standing.client.post("/datasets/upload", data={"name": "big"}, files={"file": b"x" * 200_000})
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")


def test_faults_of_a_request_are_named_by_field(standing: Stack) -> None:
    response = standing.client.post("/datasets", json={"name": "", "source": {}, "policy": "hope"})
    assert response.status_code == 422
    assert {f["field"] for f in response.json()["faults"]} == {"body.name", "body.source", "body.policy"}


def _refusal(stack: Stack, task: Any) -> Any:
    from shared.errors import InvalidInput

    with pytest.raises(InvalidInput) as caught:
        stack.worker.work(task)
    return caught.value.report()


def test_objects_below_the_import_prefix_become_a_data_set(standing: Stack, folder: Path) -> None:
    class_folders(folder, per_class=4)
    for path in folder.rglob("*.png"):
        standing.parts.store.put_file(f"imports/sent/{path.relative_to(folder).as_posix()}", path)
    made = standing.post("/datasets", {"name": "sent", "source": {"prefix": "imports/sent"}})
    ready = settled(standing, made["id"])
    assert (ready["status"], ready["source"], sum(ready["splits"].values())) == ("ready", {"prefix": "imports/sent"}, 8)


@pytest.mark.parametrize(
    ("prefix", "code"),
    [
        ("datasets/other", "path_not_allowed"),
        ("imports/../jobs", "path_not_allowed"),
        ("/imports/x", "path_not_allowed"),
        ("importsx/y", "path_not_allowed"),
        ("imports/none", "invalid_input"),
    ],
)
def test_only_objects_below_the_import_prefix_are_read(standing: Stack, prefix: str, code: str) -> None:
    response = standing.client.post("/datasets", json={"name": "x", "source": {"prefix": prefix}})
    assert (response.status_code, response.json()["code"]) == (422, code)


def test_the_whole_report_comes_as_json_and_as_text(standing: Stack, folder: Path) -> None:
    class_folders(folder, per_class=60)
    for path in sorted(folder.rglob("*.png"))[:55]:
        path.write_bytes(b"")
    dataset = standing.dataset(folder)
    report = standing.get(f"/datasets/{dataset['id']}/report")
    assert (report["errors_total"], report["counts"]["image_empty"]) == (55, 55)
    assert dataset["report"] == report
    text = standing.client.get(f"/datasets/{dataset['id']}/report?format=text").text
    assert text.startswith("birds is invalid: 55 errors")
    assert "error image_empty (55)" in text
    assert f"... and {55 - len(report['errors'])} more" in text


def test_every_image_with_a_finding_is_listed_by_code_with_a_cursor(standing: Stack, folder: Path) -> None:
    class_folders(folder, per_class=40)
    for path in sorted(folder.rglob("*.png"))[:30]:
        path.write_bytes(b"")
    path = f"/datasets/{standing.dataset(folder)['id']}/findings"
    first = standing.get(f"{path}?code=image_empty&limit=20")
    second = standing.get(f"{path}?code=image_empty&limit=20&after={first['next']}")
    assert (len(first["items"]), len(second["items"]), second["next"]) == (20, 10, None)
    assert {(f["usable"], *f["findings"]) for f in first["items"] + second["items"]} == {(False, "image_empty")}
    assert standing.get(f"{path}?code=image_grey")["items"] == []


def test_the_sheet_comes_page_by_page(standing: Stack, folder: Path) -> None:
    dataset = standing.dataset(class_folders(folder, per_class=3))
    page = standing.client.get(f"/datasets/{dataset['id']}/sheet")
    assert (page.headers["content-type"], page.headers["x-pages"], page.content[:2]) == ("image/jpeg", "1", b"\xff\xd8")
    assert standing.client.get(f"/datasets/{dataset['id']}/sheet?page=2").status_code == 404


def test_images_are_listed_by_class_and_split_with_a_cursor(standing: Stack, folder: Path) -> None:
    dataset = standing.dataset(class_folders(folder, per_class=20))
    path = f"/datasets/{dataset['id']}/images"
    query: dict[str, Any] = {"class": LABELS[0], "split": "train", "limit": 5}
    seen: list[str] = []
    while True:
        page = standing.client.get(path, params=query).json()
        seen += [each["id"] for each in page["items"]]
        if page["next"] is None:
            break
        query["after"] = page["next"]
    expected = [
        e for e in standing.get(f"{path}?limit=1000")["items"] if (e["label"], e["split"]) == (LABELS[0], "train")
    ]
    assert seen == [each["id"] for each in expected]
    assert len(seen) > 5
    assert standing.client.get(path, params={"after": "x"}).status_code == 422


def test_what_is_still_being_validated_has_progress_and_no_report(standing: Stack, folder: Path) -> None:
    made = standing.post("/datasets", {"name": "x", "source": {"path": str(class_folders(folder, per_class=3))}})
    task = standing.next_task()
    with standing.worker.call(task) as coordinator:
        coordinator.started()
        coordinator.progress(20, 80, {"images_per_s": 10.0})
        progress = standing.get(f"/datasets/{made['id']}")["progress"]
        assert progress == {"done": 20, "total": 80, "percent": 25.0, "images_per_s": 10.0, "eta_s": 6.0}
        assert standing.client.get(f"/datasets/{made['id']}/report").json()["code"] == "dataset_not_ready"
        coordinator.succeeded(standing.worker.work(task))
    assert settled(standing, made["id"])["progress"] is None


def test_an_upload_is_removed_from_the_store_once_it_is_validated(standing: Stack, folder: Path) -> None:
    response = upload(standing, class_folders(folder, per_class=3))
    key = response.json()["source"]["upload"]
    assert standing.parts.store.size_bytes(key)
    assert settled(standing, response.json()["id"])["status"] == "ready"
    # When its job ends, a moment after its data set is ready.
    standing.play_until(lambda: standing.parts.store.size_bytes(key) is None)


def test_a_job_asks_about_what_its_data_set_shows_unless_it_says_otherwise(standing: Stack, folder: Path) -> None:
    dataset = standing.dataset(reference_folder(folder), noun="finch", asks_for="condition")
    assert (dataset["domain"]["noun"], dataset["class_names"][0]["label"]) == ("finch", LABELS[1])
    taken = standing.job(dataset["id"])["settings"]
    said = standing.job(dataset["id"], settings={"noun": "songbird"})["settings"]
    assert [(s["noun"], s["asks_for"]) for s in (taken, said)] == [("finch", "condition"), ("songbird", "condition")]
