"""The API's addresses about concept banks as Python calls."""

from collections.abc import Mapping, Sequence
from typing import Any

from selfsynth.calls import Calls, Json


class ConceptCalls(Calls):
    """Part of the Client. Every method raises ApiError."""

    def concepts(self, dataset_id: str, version: int | None = None) -> Json:
        """The newest concept bank, or the version named: each concept with its origin, what was taken out, its cost."""
        query = {"version": version} if version is not None else {}
        return self._json("GET", f"/datasets/{dataset_id}/concepts", params=query)

    def concept_versions(self, dataset_id: str) -> list[Json]:
        """Newest first, without the concepts themselves."""
        found: Any = self._json("GET", f"/datasets/{dataset_id}/concepts/versions")
        return list(found)

    def set_concepts(self, dataset_id: str, concepts: Mapping[str, Any], name: str = "", clean: bool = True) -> Json:
        """A new version out of `{label: [concept]}` or the reference's form. Labels are matched to the classes; with
        `clean` what is no visual concept is taken out, each with its reason. `name` tells where it came from."""
        body = {"source": "bank", "concepts": dict(concepts), "name": name, "clean": clean}
        return self._json_once("POST", f"/datasets/{dataset_id}/concepts", json=body)

    def build_concepts(self, dataset_id: str, source: str, **fields: Any) -> Json:
        """The job that builds a new version: `source` is "endpoint" (with model, and base_url or secret), "own" (with
        model) or "newest" (clean the newest one). Follow it with `wait`; further fields as in POST .../concepts."""
        body = {"source": source, **fields}
        return self._json_once("POST", f"/datasets/{dataset_id}/concepts", json=body)

    def edit_concepts(
        self, dataset_id: str, concepts: Mapping[str, Sequence[str]], base_version: int | None = None
    ) -> Json:
        """An expert's whole bank as the next version, kept as it is. `base_version` is the one that was edited: when
        another edit came first this one is refused (412). None: whatever is there now."""
        match = "*" if base_version is None else f'"{base_version}"'
        path, headers = f"/datasets/{dataset_id}/concepts", {"If-Match": match}
        return self._json_once("PUT", path, json=dict(concepts), headers=headers)
