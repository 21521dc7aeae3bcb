"""Which of ClickHouse's error numbers pass by themselves, and which never do."""

from store import StoreError, StoreRefused, StoreUnavailable

RETRYABLE = frozenset(
    {
        3,  # UNEXPECTED_END_OF_FILE: the connection was cut
        32,  # ATTEMPT_TO_READ_AFTER_EOF: same
        101,  # UNEXPECTED_PACKET_FROM_CLIENT: the two lost step; the next connection begins anew
        102,  # UNEXPECTED_PACKET_FROM_SERVER: same
        159,  # TIMEOUT_EXCEEDED
        160,  # TOO_SLOW
        173,  # CANNOT_ALLOCATE_MEMORY
        198,  # DNS_ERROR
        202,  # TOO_MANY_SIMULTANEOUS_QUERIES
        203,  # NO_FREE_CONNECTION
        209,  # SOCKET_TIMEOUT
        210,  # NETWORK_ERROR
        225,  # NO_ZOOKEEPER
        236,  # ABORTED: the server is stopping
        241,  # MEMORY_LIMIT_EXCEEDED
        242,  # TABLE_IS_READ_ONLY: a replica that lost its keeper
        243,  # NOT_ENOUGH_SPACE
        252,  # TOO_MANY_PARTS: merges are behind
        279,  # ALL_CONNECTION_TRIES_FAILED
        285,  # TOO_FEW_LIVE_REPLICAS
        286,  # UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE
        289,  # ALL_REPLICAS_ARE_STALE
        319,  # UNKNOWN_STATUS_OF_INSERT: absolute rows may be sent again
        394,  # QUERY_WAS_CANCELLED
        425,  # SYSTEM_ERROR
        439,  # CANNOT_SCHEDULE_TASK
        473,  # DEADLOCK_AVOIDED
        999,  # KEEPER_EXCEPTION
    }
)
"""Everything else is final: wrong SQL, a missing table, a type that does not fit, a wrong password."""


def error_of(code: int, message: str) -> StoreError:
    """Return the exception for ClickHouse's error `code`, without the server's stack trace."""
    text = message.split("Stack trace:", 1)[0].strip()
    kind = StoreUnavailable if code in RETRYABLE else StoreRefused
    return kind(text, code)
