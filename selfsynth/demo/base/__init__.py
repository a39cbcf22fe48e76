"""A tiny LLaVA that sees drawn birds, describes them and answers when told a label, but knows no species."""
