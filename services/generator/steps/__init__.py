"""The generation steps: describe, synthesise, answer, evaluate. Each is `run(context, engine) -> ManifestRef`."""
