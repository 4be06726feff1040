"""The tutorial's library: what each of its three back ends demands, keeps, and hands out."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest

from tests.sandbox.media_parsing import read_png
from tests.sandbox.sandbox_world import SECRETS, Box, in_memory

pytestmark = pytest.mark.anyio

CATALOGUE = {"authorization": f"Bearer {SECRETS['CATALOGUE_TOKEN']}", "catalogue-version": "2026-01"}
LOANS = {"x-loans-key": SECRETS["LOANS_KEY"]}
SCANS = {"api_key": SECRETS["SCANS_KEY"]}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({**CATALOGUE, "authorization": "Bearer wrong"}, 401),
        ({"authorization": CATALOGUE["authorization"]}, 400),
        ({**CATALOGUE, "catalogue-version": "2025-01"}, 400),
        (CATALOGUE, 200),
    ],
)
async def test_books_need_a_token_and_a_version(headers: dict[str, str], status: int) -> None:
    async with in_memory() as box:
        answer = await box.http.get("/library-catalogue/v1/books/b-101", headers=headers)
        assert answer.status_code == status
        assert ("www-authenticate" in answer.headers) == (status == 401)


async def test_branches_are_for_everybody() -> None:
    async with in_memory() as box:
        codes = [item["code"] for item in (await branches(box))["branches"]]
        assert codes == ["CEN", "MIL", "NTH"]
        assert (await branches(box, "/NTH"))["name"] == "North"
        assert (await box.http.get("/library-catalogue/v1/branches/XXX")).status_code == 404


async def branches(box: Box, rest: str = "") -> Any:
    return (await box.http.get(f"/library-catalogue/v1/branches{rest}")).json()


async def test_books_are_filtered_and_limited() -> None:
    async with in_memory() as box:
        found = [await books(box, query) for query in ("", "?subject=nature", "?subject=nature&limit=1")]
        bad = await box.http.get("/library-catalogue/v1/books?limit=99", headers=CATALOGUE)
    assert [len(item["items"]) for item in found] == [5, 2, 1]
    assert found[2]["total"] == 2
    assert bad.status_code == 400


async def books(box: Box, query: str) -> Any:
    return (await box.http.get(f"/library-catalogue/v1/books{query}", headers=CATALOGUE)).json()


async def test_holds_queue_up_until_a_reset() -> None:
    hold = {"book": "b-102", "reader": "R-7", "pickup": "NTH"}
    async with in_memory() as box:
        answers = [await held(box, {**hold, "reader": card}) for card in ("R-7", "R-12")]
        await box.http.post("/__sandbox__/reset")
        answers.append(await held(box, hold))
    assert [answer["hold"] for answer in answers] == [
        {"id": "H-1", "place": 1},
        {"id": "H-2", "place": 2},
        {"id": "H-1", "place": 1},
    ]


async def held(box: Box, body: dict[str, Any]) -> Any:
    return (await box.http.post("/library-catalogue/v1/holds", headers=CATALOGUE, json=body)).json()


@pytest.mark.parametrize(
    ("change", "status"),
    [({"book": "b-999"}, 404), ({"reader": "R-99"}, 404), ({"pickup": "XXX"}, 400), ({"book": 7}, 400)],
)
async def test_a_hold_that_cannot_be_is_refused(change: dict[str, Any], status: int) -> None:
    hold = {"book": "b-102", "reader": "R-7", "pickup": "NTH", **change}
    async with in_memory() as box:
        answer = await box.http.post("/library-catalogue/v1/holds", headers=CATALOGUE, json=hold)
        assert answer.status_code == status
        assert answer.json()["error"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{"])
async def test_a_hold_is_a_json_object(body: bytes) -> None:
    async with in_memory() as box:
        answer = await box.http.post("/library-catalogue/v1/holds", headers=CATALOGUE, content=body)
        assert answer.status_code == 400


async def test_loans_are_xml_and_need_a_key() -> None:
    async with in_memory() as box:
        answers = {
            card: await box.http.get(f"/library-loans/readers/{card}/loans", headers=LOANS)
            for card in ("R-7", "R-12", "R-20", "R-<9")
        }
        closed = await box.http.get("/library-loans/readers/R-7/loans", headers={"x-loans-key": "wrong"})
    found = {card: ElementTree.fromstring(answer.text) for card, answer in answers.items()}
    assert {card: len(root) for card, root in found.items()} == {"R-7": 2, "R-12": 1, "R-20": 0, "R-<9": 0}
    assert found["R-7"].findtext("loan/book") == "b-102"
    assert [answer.status_code for answer in (*answers.values(), closed)] == [200, 200, 200, 404, 401]
    assert ElementTree.fromstring(closed.text).tag == "error"


async def test_a_scan_is_ordered_watched_and_fetched() -> None:
    async with in_memory() as box:
        ordered = await box.http.post("/library-scans/scans", params=SCANS, json={"book": "b-101", "page": 9})
        assert (ordered.status_code, ordered.json()["state"]) == (202, "waiting")
        address = f"/library-scans/scans/{ordered.json()['scan']}"
        early = await box.http.get(f"{address}/picture", params=SCANS)
        states = []
        for _ in range(4):
            states.append((await box.http.get(address, params=SCANS)).json()["state"])
            await box.advance(4)
        shown = (await box.http.get(address, params=SCANS)).json()
        closed = await box.http.get(f"{address}/picture")
        picture = await box.http.get(shown["picture"], params=SCANS)
    assert early.status_code == 404
    assert (states[0], states[1]) == ("waiting", "scanning")
    assert (shown["state"], shown["percent"], shown["book"], shown["page"]) == ("ready", 100, "b-101", 9)
    assert closed.status_code == 401
    assert read_png(picture.content).text["prompt"] == "Middlemarch, page 9"


async def test_a_fragile_book_fails_and_says_so() -> None:
    async with in_memory() as box:
        ordered = await box.http.post("/library-scans/scans", params=SCANS, json={"book": "b-104", "page": 1})
        await box.advance(20)
        shown = await box.http.get(f"/library-scans/scans/{ordered.json()['scan']}", params=SCANS)
    assert shown.json()["state"] == "failed"
    assert "too fragile" in shown.json()["message"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"book": "b-101"}, 400),
        ({"book": "b-101", "page": 0}, 400),
        ({"book": "b-9", "page": 1}, 404),
        ([], 400),
    ],
)
async def test_a_scan_that_cannot_be_is_refused(body: Any, status: int) -> None:
    async with in_memory() as box:
        answer = await box.http.post("/library-scans/scans", params=SCANS, json=body)
        assert answer.status_code == status


async def test_another_keys_scan_is_not_found() -> None:
    async with in_memory() as box:
        ordered = await box.http.post("/library-scans/scans", params=SCANS, json={"book": "b-101", "page": 9})
        address = f"/library-scans/scans/{ordered.json()['scan']}"
        assert (await box.http.get(address, params={"api_key": "scans_another"})).status_code == 404
        assert (await box.http.get(address)).status_code == 401
