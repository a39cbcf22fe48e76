"""Whether a job has trained long enough. Pure: validation accuracies in, a reason out; the test split has no say."""

from collections.abc import Mapping


def reason_to_stop(validation: Mapping[int, float | None], patience: int) -> str | None:
    """Why no further round is worth it: the last `patience` rounds were no better than one before them. `validation`
    holds the accuracy of each round that was measured, the base model's (round 0) too; None where nothing was held out.
    """
    measured = {round_: accuracy for round_, accuracy in sorted(validation.items()) if accuracy is not None}
    if not measured:
        return None
    best = min(measured, key=lambda round_: (-measured[round_], round_))
    since = [round_ for round_ in measured if round_ > best]
    if len(since) < patience:
        return None
    name = f"round {best}" if best else "the base model"
    return (
        f"stopped early after round {since[-1]}: validation accuracy was not above the {measured[best]:.3f} of {name} "
        f"for {len(since)} {'round' if len(since) == 1 else 'rounds'} (settings.early_stopping is {patience})"
    )
