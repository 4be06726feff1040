"""The line that a problem is in, with marks under what is wrong, whatever the line holds."""

from __future__ import annotations

import pytest

from capspec.diagnostics.concealing import concealed
from capspec.diagnostics.excerpt import columns, excerpt, span
from capspec.errors import Place


def shown(line: str, column: int, *, widest: int = 120, end: int | None = None) -> tuple[str, str]:
    """The line, and what of it is marked."""
    last = None if end is None else Place("f", 1, end)
    found = excerpt(line, Place("f", 1, column), last, widest=widest)
    marked, at = "", 0
    for character in found.text:
        if found.indent <= at < found.indent + found.width:
            marked += character
        at += columns(character)
    return found.text, marked


@pytest.mark.parametrize(
    ("line", "column", "marked"),
    [
        ("method: FETCH", 9, "FETCH"),
        ("method: FETCH", 1, "method"),
        ("  - {name: get-x, method: FETCH}", 27, "FETCH"),
        ("  - [one, two]", 6, "one"),
        ('name: "a, b: c" # why', 7, '"a, b: c"'),
        ("name: 'it''s' # why", 7, "'it''s'"),
        ("name: two words # why", 7, "two words"),
        ("url: https://a.example/b", 6, "https://a.example/b"),
        ("x: {{name}} y", 4, "{{name}}"),
        ("x: [1", 4, "["),
    ],
)
def test_the_whole_word_is_marked(line: str, column: int, marked: str) -> None:
    assert shown(line, column)[1] == marked


def test_a_place_behind_the_line_is_marked_all_the_same() -> None:
    found = excerpt("abc", Place("f", 1, 4))
    assert (found.indent, found.width) == (3, 1)
    assert excerpt("", Place("f", 1, 1)).width == 1
    assert span("", 1) == 2


def test_a_known_end_counts_before_the_word() -> None:
    assert shown("mapping: $.a[b", 10, end=12)[1] == "$."


def test_tabs_wide_characters_and_marks_that_combine_keep_the_marks_in_place() -> None:
    assert shown("\t\tname: bad", 9)[1] == "bad"
    found = excerpt("漢字: bad", Place("f", 1, 5))
    assert (found.indent, found.width) == (6, 3)
    found = excerpt("e\u0301: \U0001f642", Place("f", 1, 5))
    assert (found.indent, found.width) == (3, 2)


def test_what_drives_a_terminal_is_spelled_out() -> None:
    text, marked = shown("a: \x1b[31m bad", 4)
    assert text == r"a: \x1b[31m bad"
    assert marked.startswith(r"\x1b")
    assert shown("a: \u202eb", 4)[0] == r"a: \u202eb"


@pytest.mark.parametrize("column", [1, 5, 150, 305, 390])
@pytest.mark.parametrize("widest", [40, 80, 120])
def test_a_long_line_is_cut_around_the_place(column: int, widest: int) -> None:
    line = "".join(chr(ord("a") + at % 26) for at in range(400))
    text, marked = shown(line, column, widest=widest, end=column + 4)
    assert columns(text) <= widest
    assert marked.startswith(line[column - 1])
    assert text.startswith("…") == (text[0] != line[0])


@pytest.mark.parametrize(
    ("line", "masked"),
    [
        ("token: abc123", "token: ****"),
        ("  - {type: bearer, token: 'abc 1', x: y}", "  - {type: bearer, token: '****', x: y}"),
        ('password: "a\\"b"', 'password: "****"'),
        ("clientSecret: s3cr3t # mine", "clientSecret: **** # mine"),
        ("x-api-key: k1", "x-api-key: ****"),
        ("baseUri: https://me:pass@a.example/x", "baseUri: https://me:****@a.example/x"),
        ("authorization: Bearer abcdefghij", "authorization: ****"),
        ("value: Bearer abcdefghij", "value: Bearer ****"),
        ("value: sk-abcdefghijklmnop", "value: ****"),
        ("value: ghp_abcdefghijklmnop1234", "value: ****"),
        ("value: eyJhbGciOiJIUzI1NiJ9.eyJzdWIi.sig", "value: ****"),
        ("password: ab,cd}ef", "password: ****"),
        ("value: Zm9vYmFyMTIzNDU2Nzg5MGFi", "value: ****"),
        ("value: 0123456789abcdef0123456789abcdef", "value: ****"),
    ],
)
def test_what_looks_like_a_secret_is_masked(line: str, masked: str) -> None:
    assert "".join(concealed(line)) == masked


@pytest.mark.parametrize(
    "line",
    [
        'token: "{{TOKEN}}"',
        "token: $secrets.TOKEN",
        "token: SHOP_TOKEN",
        "token:",
        "tokenUri: https://auth.example.com/token",
        "call: shop.get-all-orders-of-customer-2",
        "description: Lists everything that a customer ordered in 2024.",
        "path: /v1/customers/{customerId}/orders/{orderId}",
        "operationId: listOrdersByCustomerIdV2AndMore",
        "token: null",
    ],
)
def test_what_is_no_secret_is_shown(line: str) -> None:
    assert "".join(concealed(line)) == line


def test_a_mask_before_the_place_moves_the_marks() -> None:
    assert shown("{token: abcdefghijklmno, typ: x}", 26) == ("{token: ****, typ: x}", "typ")
