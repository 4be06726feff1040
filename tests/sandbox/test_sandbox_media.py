"""The sandbox's media: real files, the same each time, of the size asked for."""

from __future__ import annotations

import hashlib
import io
import struct
import subprocess
import sys
import wave

import pytest

from capspec.sandbox.media import MEDIA_TYPES, Recipe, render
from capspec.sandbox.media.dimensions import MAX_PIXELS, fit, size_of
from capspec.sandbox.media.h264 import escaped
from tests.sandbox.media_parsing import read_boxes, read_jpeg, read_png

RECIPES = [Recipe(format=form, prompt="a café", seed=7, width=90, height=60) for form in MEDIA_TYPES]
_DIGESTS = """
import hashlib
from capspec.sandbox.media import MEDIA_TYPES, Recipe, render
for form in MEDIA_TYPES:
    recipe = Recipe(format=form, prompt="a caf\\u00e9", seed=7, width=90, height=60)
    print(hashlib.sha256(render(recipe)).hexdigest())
"""


def test_equal_recipes_give_equal_bytes_in_every_process() -> None:
    here = [hashlib.sha256(render(recipe)).hexdigest() for recipe in RECIPES]
    there = subprocess.run([sys.executable, "-c", _DIGESTS], capture_output=True, text=True, check=True)
    assert there.stdout.split() == here
    assert len(set(here)) == 4


@pytest.mark.parametrize("change", [{"prompt": "b"}, {"seed": 2}, {"basis": "x"}])
def test_another_prompt_seed_or_origin_gives_another_picture(change: dict[str, object]) -> None:
    words: dict[str, object] = {"format": "png", "prompt": "a", "seed": 1, "width": 64, "height": 64}
    one, other = Recipe(**words), Recipe(**{**words, **change})  # type: ignore[arg-type]
    assert read_png(render(one)).pixels != read_png(render(other)).pixels


@pytest.mark.parametrize(("width", "height"), [(1, 1), (3, 200), (64, 64), (1392, 752)])
def test_a_png_has_the_size_asked_for_and_tells_its_prompt_and_seed(width: int, height: int) -> None:
    png = read_png(render(Recipe(format="png", prompt="ein Hütchen", seed=5, width=width, height=height)))
    assert (png.width, png.height) == (width, height)
    assert png.text == {"prompt": "ein Hütchen", "seed": "5"}


def test_a_derived_png_tells_what_it_was_derived_from() -> None:
    png = read_png(render(Recipe(format="png", prompt="p", seed=1, basis="abc", width=8, height=8)))
    assert png.text["derived-from"] == "abc"


@pytest.mark.parametrize(("width", "height"), [(1, 1), (9, 17), (640, 480)])
def test_a_jpeg_is_a_baseline_file_of_the_size_asked_for(width: int, height: int) -> None:
    data = render(Recipe(format="jpeg", prompt="p", seed=1, width=width, height=height))
    segments = read_jpeg(data)
    assert struct.unpack(">BHHB", segments[0xC0][0][:6]) == (8, height, width, 3)
    assert segments[0xE0][0].startswith(b"JFIF\0")
    assert segments[0xFE] == [b"prompt: p", b"seed: 1"]
    assert size_of(data) == (width, height)


def test_a_wav_holds_the_seconds_asked_for() -> None:
    with wave.open(io.BytesIO(render(Recipe(format="wav", prompt="calm", seed=0, seconds=1.5)))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 16_000)
        assert file.getnframes() == 24_000
        loudest = max(map(abs, struct.unpack("<24000h", file.readframes(24_000))))
    assert 1000 < loudest < 32_767


def test_an_mp4_tells_where_each_of_its_pictures_lies() -> None:
    data = render(Recipe(format="mp4", prompt="a cat", seed=0))
    boxes = read_boxes(data)
    table = "moov/trak/mdia/minf/stbl"
    assert boxes["ftyp"][:4] == b"isom"
    count = struct.unpack(">I", boxes[f"{table}/stsz"][8:12])[0]
    sizes = struct.unpack(f">{count}I", boxes[f"{table}/stsz"][12:])
    at = struct.unpack(">I", boxes[f"{table}/stco"][8:12])[0]
    kinds = []
    for size in sizes:
        length, head = struct.unpack(">IB", data[at : at + 5])
        assert length == size - 4
        kinds.append(head & 0x1F)
        at += size
    assert at == len(data)
    assert [i + 1 for i, kind in enumerate(kinds) if kind == 5] == list(
        struct.unpack(">2I", boxes[f"{table}/stss"][8:])
    )
    assert set(kinds) == {1, 5}
    assert b"avcC" in boxes[f"{table}/stsd"]


def test_no_start_code_can_appear_inside_a_picture() -> None:
    assert escaped(b"\0\0\1\0\0\0\0\7") == b"\0\0\3\1\0\0\3\0\0\7"


@pytest.mark.parametrize("asked", [(4096, 4096), (10**9, 1), (1, 10**9), (2049, 2048)])
def test_sizes_beyond_the_limit_are_shrunk_in_proportion(asked: tuple[int, int]) -> None:
    width, height = fit(*asked)
    assert 1 <= width * height <= MAX_PIXELS
    assert fit(100, 50) == (100, 50)


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"\xff\xd8\xff\xe0\x00", b"\xff\xd8junk" * 9]
)
def test_a_file_without_a_readable_header_has_no_size(data: bytes) -> None:
    assert size_of(data) is None
