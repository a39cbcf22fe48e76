from tests.services.generator.engine.conftest import client, model, store

__all__ = ["client", "model", "store"]
