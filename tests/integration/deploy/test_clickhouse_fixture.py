from clickhouse_driver import Client


def test_a_real_server_answers(clickhouse: str) -> None:
    """The session's ClickHouse is a server of its own that speaks the native protocol."""
    assert Client.from_url(clickhouse).execute("SELECT 1") == [(1,)]
