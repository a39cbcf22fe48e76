"""A step's turn at the GPU that engine and trainer share: what is to be done before its message may go out.

Here stands the talk with the engine. It is done before a move is written or after it was committed, never in between:
a claim is written first, the engine is brought into the state that all claims want, then the message is sent.
"""

from sqlalchemy.orm import Session

from services.api.reconcile.decide import Enqueue, Fail, Move, Resend, Wait
from services.api.reconcile.truth import Truth
from services.api.sleeping.engines import CannotSleep
from services.api.sleeping.keeper import Keeper
from services.api.sleeping.uses import may_begin
from shared.errors import EngineUnavailable, SelfSynthError


class Turns:
    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    def prepared(self, truth: Truth, move: Move | None) -> Move | None:
        """The move itself, or another one in its place when the engine is not ready for it; None: only wait."""
        if not (isinstance(move, Enqueue | Resend) and truth.use and truth.use.concerns_engine):
            return move
        try:
            if isinstance(move, Resend):
                self._keeper.settle()
            elif truth.use.needs_sleep:
                self._keeper.require_sleep()
        except CannotSleep as error:
            # An attempt that was begun is not failed for it: it goes on when the engine is mended, or is cancelled.
            return Fail(move.step_id, error.report()) if isinstance(move, Enqueue) else _wait(truth, move, error)
        except EngineUnavailable as error:
            return _wait(truth, move, error)
        return move

    def may_write(self, session: Session, truth: Truth, move: Move) -> bool:
        """Whether a step may begin still, in the transaction that writes so."""
        return not isinstance(move, Enqueue) or truth.use is None or may_begin(session, truth.use)

    def may_send(self, truth: Truth) -> bool:
        """After the claim was committed. Where the engine is not ready, the message goes out as one that was lost."""
        if truth.use and truth.use.concerns_engine:
            try:
                self._keeper.settle()
            except (CannotSleep, EngineUnavailable):
                return False
        return True


def _wait(truth: Truth, move: Enqueue | Resend, error: SelfSynthError) -> Wait | None:
    [shard] = [shard for shard in truth.shards if shard.step_id == move.step_id]
    why = f"{error.message}. {error.remedy}"
    return None if shard.waits_for == why else Wait(move.step_id, why)
