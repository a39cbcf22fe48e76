"""How the modules that decode an image say what they found. Pure."""

# A code (see `codes`) and what is wrong, worded to follow the file's name: "is animated".
Note = tuple[str, str]


class Unusable(Exception):
    """No picture can be made of the bytes: a code and why, worded to follow the file's name."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code, self.why = code, why
