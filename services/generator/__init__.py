"""The generation service: writes descriptions, question/answer pairs and predictions by asking a served model."""
