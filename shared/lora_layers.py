"""Which layers of a model get LoRA, by module name: what the trainer trains and a server must serve. Pure.

Names are those of transformers. The patterns are anchored on the language model and the projector: a bare `q_proj`
would match the vision tower too, which stays frozen and whose LoRA weights a server ignores or refuses. Some families
of models call the projector a merger and keep it inside the tower.
"""

LANGUAGE = r"(?:.*\.)?language_model\.(?:.*\.)?(?:q|k|v|o|gate|up|down)_proj"
PROJECTOR = r"(?:.*\.)?(?:multi_modal_projector\.(?:.*\.)?linear\w*|visual\.merger\.(?:mlp\.[02]|linear_fc[12]))"
