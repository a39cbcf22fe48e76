"""An OpenAI-compatible server on transformers and peft, for machines without vLLM. Knows nothing of jobs or steps."""
