from streams.compiled import compiled


def test_a_function_without_a_folder_for_its_code_works() -> None:
    """Where no folder can be written, the code is compiled for this process alone."""
    found: dict[str, object] = {}
    exec("def twice(x):\n    return 2 * x\n", found)
    assert compiled(found["twice"])(21) == 42  # type: ignore[type-var]
