"""Files of our own in a folder that may have others."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from capspec.assets.storage import Kept, Storage, default_folder, key_of

KEY = key_of(["a"])
NEVER = 9_999_999_999


def stored(
    storage: Storage, *, until: float = NEVER, content: bytes = b"content", extension: str = "png"
) -> Kept:
    storage.prepare()
    part = storage.begin(KEY, extension, until)
    part.write(content)
    return part.commit()


def test_a_file_is_there_when_it_is_whole(tmp_path: Path):
    storage = Storage(tmp_path)
    part = storage.begin(KEY, "png", NEVER)
    part.write(b"half")
    assert storage.find(KEY, 0) is None
    part.write(b" and half")
    kept = part.commit()
    assert storage.find(KEY, 0) == kept
    file, size = storage.open(kept.name)
    with file:
        assert (file.read(), size, kept.extension) == (b"half and half", 13, "png")


def test_a_file_is_not_found_when_its_time_is_over(tmp_path: Path):
    storage = Storage(tmp_path)
    kept = stored(storage, until=1000)
    assert storage.find(KEY, 999) == kept
    assert storage.find(KEY, 1000) is None
    assert storage.find(key_of(["b"]), 0) is None


def test_the_sweep_takes_what_is_over_and_half_files_and_nothing_else(tmp_path: Path):
    storage = Storage(tmp_path)
    stored(storage, until=1000)
    later = stored(storage, until=2000)
    storage.begin(KEY, "png", 1000).file.close()
    others = [
        tmp_path / name
        for name in ("notes.txt", f"capspec-{KEY}-1.png.bak", f"x-capspec-{KEY}-1.png", "capspec-1-1.png")
    ]
    for path in others:
        path.write_bytes(b"")
    (tmp_path / f"capspec-{KEY}-2.png").mkdir()
    storage.sweep(1500)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {later.name, f"capspec-{KEY}-2.png", *(path.name for path in others)}


def test_a_sweep_without_a_folder_is_none(tmp_path: Path):
    Storage(tmp_path / "nothing").sweep(NEVER)
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize(
    "name", ["../secret", "secret", "", "a/b", f"capspec-{KEY}-1.png.0123456789abcdef.part"]
)
def test_only_whole_files_of_ours_are_opened(tmp_path: Path, name: str):
    (tmp_path / "secret").write_bytes(b"")
    storage = Storage(tmp_path / "assets")
    storage.prepare()
    with pytest.raises(FileNotFoundError):
        storage.open(name)


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_a_link_in_a_files_place_is_not_followed(tmp_path: Path):
    storage = Storage(tmp_path / "assets")
    storage.prepare()
    (tmp_path / "secret").write_bytes(b"secret")
    name = f"capspec-{KEY}-{NEVER}.png"
    (storage.folder / name).symlink_to(tmp_path / "secret")
    with pytest.raises(OSError, match="symbolic"):
        storage.open(name)


def test_what_is_no_file_is_not_opened(tmp_path: Path):
    storage = Storage(tmp_path)
    name = f"capspec-{KEY}-{NEVER}.png"
    (tmp_path / name).mkdir()
    with pytest.raises(FileNotFoundError):
        storage.open(name)


def test_half_a_file_can_be_thrown_away(tmp_path: Path):
    part = Storage(tmp_path).begin(KEY, "png", NEVER)
    part.write(b"half")
    part.discard()
    part.discard()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="there are no owners of this kind")
def test_a_folder_that_nobody_chose_must_be_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    own = Storage(tmp_path / "own", chosen=False)
    own.prepare()
    assert stat.S_IMODE(own.folder.stat().st_mode) == 0o700
    link = tmp_path / "link"
    link.symlink_to(own.folder)
    with pytest.raises(PermissionError):
        Storage(link, chosen=False).prepare()
    monkeypatch.setattr("os.getuid", lambda: 4711)
    with pytest.raises(PermissionError, match="somebody else"):
        own.prepare()
    Storage(own.folder).prepare()


@pytest.mark.skipif(sys.platform == "win32", reason="caches are elsewhere there")
def test_the_default_folder_is_among_the_users_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert default_folder() == tmp_path / "xdg" / "capspec-assets"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_folder().is_relative_to(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "nowhere"))
    assert not default_folder().is_relative_to(tmp_path / "nowhere")


def test_a_key_tells_apart_what_was_put_together_differently():
    assert key_of(["ab", "c"]) != key_of(["a", "bc"])
    assert key_of(["a"]) == key_of(["a"])
