"""Builds the coordinator's concrete parts, in one place. Nothing here runs until it is called."""

from dataclasses import dataclass

from services.api.attempts import Attempts
from services.api.chat.passing_on import ChatEngine
from services.api.database.connection import Database
from services.api.metrics.collector import CoordinatorMetrics
from services.api.pointers import Pointers
from services.api.reconcile.loop import Loop
from services.api.reconcile.mover import Mover
from services.api.reconcile.truth import Policy
from services.api.served_models import ServedModels
from services.api.settings import ApiSettings
from services.api.sleeping.engines import Engines
from services.api.sleeping.keeper import Keeper
from shared.objects import ObjectStore, open_store
from shared.observing.heartbeat import impatient
from shared.queues import Messages, connect


@dataclass(frozen=True)
class Parts:
    """What routes may use."""

    settings: ApiSettings
    database: Database
    store: ObjectStore
    messages: Messages
    served: ServedModels
    engines: Engines
    chats: ChatEngine
    pointers: Pointers
    keeper: Keeper
    attempts: Attempts
    mover: Mover
    loop: Loop
    metrics: CoordinatorMetrics

    def start(self) -> None:
        """Move the database to the newest schema, or wait until it was moved, then begin to reconcile."""
        if self.settings.migrate_at_start:
            self.database.migrate()
        else:
            self.database.await_schema()
        self.loop.start()

    def stop(self) -> None:
        self.loop.stop()
        self.served.close()
        self.engines.close()
        self.database.close()


def build(settings: ApiSettings) -> Parts:
    database = Database(settings.database_url.get_secret_value())
    store = open_store(settings.store_url, settings.store_options)
    redis_url = settings.redis_url.get_secret_value()
    messages = Messages(connect(redis_url))
    engines = Engines(settings.engine_url, settings.engine_key.get_secret_value())
    keeper = Keeper(database, engines)
    mover = Mover(database, messages, store, keeper, policy_of(settings))
    loop = Loop(mover, database, settings.reconcile_s, look=keeper.look)
    return Parts(
        settings=settings,
        database=database,
        store=store,
        messages=messages,
        served=ServedModels(settings.engine_url, settings.engine_key.get_secret_value()),
        engines=engines,
        chats=ChatEngine(
            settings.engine_url, settings.engine_key.get_secret_value(), settings.chats_at_once, settings.chat_s
        ),
        pointers=Pointers(database, store),
        keeper=keeper,
        attempts=Attempts(database, settings.lease_s),
        mover=mover,
        loop=loop,
        metrics=CoordinatorMetrics(database, impatient(redis_url), loop),
    )


def policy_of(settings: ApiSettings) -> Policy:
    return Policy(
        attempts_per_step=settings.attempts_per_step,
        retry_delay_s=settings.retry_delay_s,
        steps_per_job=settings.steps_per_job,
        lease_s=settings.lease_s,
        lease_margin_s=settings.lease_margin_s,
    )
