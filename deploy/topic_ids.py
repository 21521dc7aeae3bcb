"""Ask the brokers for the ids that they gave their topics: a topic that was recreated has another one.

Kafka has told them since 2.8 (Metadata version 10); aiokafka's own request stops at version 5, so the newer one is
spelt here with aiokafka's types.
"""

import uuid
from collections.abc import Mapping
from io import BytesIO

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import IncompatibleBrokerVersion
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    AbstractType,
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

from deploy.errors import TopicError
from schemas.connections import KafkaConnection

METADATA = 3


class _Uuid(AbstractType[uuid.UUID]):  # type: ignore[misc]  # aiokafka is untyped
    @classmethod
    def encode(cls, value: uuid.UUID) -> bytes:
        return value.bytes

    @classmethod
    def decode(cls, data: BytesIO) -> uuid.UUID:
        return uuid.UUID(bytes=data.read(16))


_PARTITION = (
    ("error_code", Int16),
    ("partition", Int32),
    ("leader", Int32),
    ("leader_epoch", Int32),
    ("replicas", CompactArray(Int32)),
    ("isr", CompactArray(Int32)),
    ("offline", CompactArray(Int32)),
    ("tags", TaggedFields),
)
_TOPIC = (
    ("error_code", Int16),
    ("name", CompactString("utf-8")),
    ("topic_id", _Uuid),
    ("is_internal", Boolean),
    ("partitions", CompactArray(*_PARTITION)),
    ("operations", Int32),
    ("tags", TaggedFields),
)
_BROKER = (
    ("node_id", Int32),
    ("host", CompactString("utf-8")),
    ("port", Int32),
    ("rack", CompactString("utf-8")),
    ("tags", TaggedFields),
)


class _MetadataResponse(Response):  # type: ignore[misc]  # aiokafka is untyped
    API_KEY = METADATA
    API_VERSION = 11
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("brokers", CompactArray(*_BROKER)),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        ("topics", CompactArray(*_TOPIC)),
        ("tags", TaggedFields),
    )


class _MetadataStruct(RequestStruct):  # type: ignore[misc]  # aiokafka is untyped
    API_KEY = METADATA
    API_VERSION = 11
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = _MetadataResponse
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", _Uuid), ("name", CompactString("utf-8")), ("tags", TaggedFields))),
        ("allow_auto_topic_creation", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class _AllTopics(Request[_MetadataStruct]):  # type: ignore[misc]  # aiokafka is untyped
    API_KEY = METADATA

    def build(self, request_struct_class: type[_MetadataStruct]) -> _MetadataStruct:
        return request_struct_class(None, False, False, {})


async def topic_ids(kafka: KafkaConnection) -> Mapping[str, str]:
    """Read the id of every topic, by name. Raises TopicError if the brokers are older than Kafka 2.8."""
    client = AIOKafkaClient(**kafka.client_options())
    await client.bootstrap()
    try:
        answer = await client.send(client.get_random_node(), _AllTopics())
    except (IncompatibleBrokerVersion, NotImplementedError):
        raise TopicError(
            f"the brokers at {kafka.bootstrap} tell no topic ids: Marsad needs Kafka 2.8 or later"
        ) from None
    finally:
        await client.close()
    return {name: str(topic_id) for code, name, topic_id, *_ in answer.topics if code == 0}
