"""How answers are judged: which class they name, whether they repeat themselves, how sure a share is. Pure."""
