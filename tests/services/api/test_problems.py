"""Foreign errors as problems."""

import errno

import pytest
from fastapi import FastAPI, HTTPException
from fastapi.testclient import TestClient

from services.api import problems


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    problems.install(app)

    @app.post("/upload")
    def upload(number: int) -> None:
        """As FastAPI raises what it meets while it reads a form."""
        raise HTTPException(400, "There was an error parsing the body") from OSError(number, "written in vain")

    return TestClient(app)


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [(errno.ENOSPC, 507, "disk_full"), (errno.EDQUOT, 507, "disk_full"), (errno.EIO, 400, "invalid_body")],
)
def test_a_form_that_finds_no_room_on_the_disk_is_no_fault_of_the_user(
    client: TestClient, number: int, status: int, code: str
) -> None:
    answer = client.post("/upload", params={"number": number})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
