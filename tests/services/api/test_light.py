"""The coordinator's image holds no model code."""

import subprocess
import sys


def test_importing_the_coordinator_and_its_worker_loads_no_torch() -> None:
    program = (
        "import sys, services.api.app, services.api.wiring, services.api.worker, services.api.__main__;"
        "print(sorted({'torch', 'transformers', 'peft', 'numpy.f2py'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_reading_and_checking_data_sets_needs_no_database_and_no_web_framework() -> None:
    program = (
        "import sys, services.api.datasets.inspect;"
        "print(sorted({'sqlalchemy', 'fastapi', 'starlette', 'psycopg'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
