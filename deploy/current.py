"""Which generation an installation works on: the one that is named, else the one that the registry's pointer names."""

from deploy.settings import Settings
from deploy.topics import Registry, follow, registry

FIRST = "live"
"""The generation of a new installation."""


def settled(settings: Settings, known: Registry) -> Settings:
    """Settings that name their generation and its raw namespace: the current one, where none was named."""
    if settings.generation:
        return settings
    name = known.current or FIRST
    found = known.generations.get(name)
    return settings.model_copy(update={"generation": name, "raw": settings.raw if found is None else found.raw})


async def read_settled(settings: Settings) -> Settings:
    """The same, reading the registry only where that is needed. Raises aiokafka's KafkaError."""
    return settings if settings.generation else settled(settings, await registry(settings.kafka_connection))


async def moved(settings: Settings, *, raw_only: bool) -> None:
    """Return when the pointer has left the generation of the settled `settings` (`raw_only`: its raw namespace)."""
    async for known in follow(settings.kafka_connection):
        now = known.generations.get(known.current or "")
        if now is not None and (now.raw != settings.raw or (not raw_only and now.name != settings.generation)):
            return
