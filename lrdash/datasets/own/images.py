"""A ZIP of images in class folders: listed by their headers, decoded only when used."""

from __future__ import annotations

import base64
import io
import zipfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from lrdash.core.errors import DataRefused
from lrdash.core.wording import listed, plural
from lrdash.datasets.own.archive import opened, unpacked
from lrdash.datasets.own.limits import CLASSES, PIXELS, ROWS, VALUES

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP")
ENDINGS = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp")
LAYOUT = "Pack one folder per class, with its images inside: cats/1.png, dogs/1.png."
PARTS = ("train", "training", "test", "testing", "val", "valid", "validation")
THUMB, THUMBS = 48, 12  # pixels a side, and how many
BAD_SHARE = 0.1  # of the images may be unreadable; more means that the archive is wrong
UNREADABLE = (
    OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError,
    EOFError, IndexError, KeyError, TypeError, OverflowError, AttributeError, DataRefused,
)

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Images:
    """The images of an archive, not decoded yet."""

    file: str
    archive: zipfile.ZipFile
    members: tuple[zipfile.ZipInfo, ...]  # in the order of their names
    labels: tuple[str, ...]  # the class of each
    notes: tuple[str, ...]


def read(raw: bytes, file: str) -> Images:
    """List the images and their classes.

    Raises:
        DataRefused: no class folders, too many images or classes, or too many unreadable ones.
    """
    Image.MAX_IMAGE_PIXELS = PIXELS.most
    archive = opened(raw, file)
    named = [member for member in archive.infolist() if not _hidden(member)]
    pictures = [m for m in named if m.filename.lower().endswith(ENDINGS)]
    if not pictures:
        problem = f"none of {len(named):,} files is an image ({', '.join(ENDINGS)})"
        raise DataRefused(file, problem, LAYOUT)
    label_of, notes = _classes(pictures, file)
    ROWS.hold(file, len(pictures))
    others = set(named) - set(pictures)
    notes += _left_out([m.filename for m in named if m in others], "no images")
    bad = {m for m in pictures if not _readable(archive, m, file)}
    failed = [m for m in pictures if m in bad]
    _hold_share(failed, len(pictures), file)
    notes += _left_out([m.filename for m in failed], "images that cannot be read")
    good = sorted((m for m in pictures if m not in bad), key=lambda m: m.filename)
    labels = tuple(label_of[m] for m in good)
    CLASSES.hold(file, len(set(labels)))
    return Images(file, archive, tuple(good), labels, tuple(notes))


def pixels(images: Images, side: int, *, grey: bool) -> tuple[Pixels, list[str], list[str]]:
    """All images, cropped to a square around their centre and resized.

    Returns:
        Pixels [n, side, side, 1 or 3], the class of each, and notes about what was left out.

    Raises:
        DataRefused: too many numbers in all, or too many images that cannot be decoded.
    """
    channels = 1 if grey else 3
    VALUES.hold(images.file, len(images.members) * side * side * channels)
    made, labels, bad = [], [], []
    for member, label in zip(images.members, images.labels, strict=True):
        try:
            image = _decoded(images, member, side)
        except UNREADABLE:
            bad.append(member)
            continue
        made.append(np.asarray(image.convert("L" if grey else "RGB")))
        labels.append(label)
    _hold_share(bad, len(images.members), images.file)
    stacked = np.stack(made).reshape(len(made), side, side, channels)
    return stacked, labels, _left_out([m.filename for m in bad], "images that cannot be read")


def thumbnails(images: Images) -> tuple[tuple[str, str], ...]:
    """A few images of every class in turn, small, as class and bytes in base 64."""
    turns: Counter[str] = Counter()
    places = []
    for place, label in enumerate(images.labels):
        places.append((turns[label], label, place))
        turns[label] += 1
    made: list[tuple[str, str]] = []
    for _, label, place in sorted(places)[: 2 * THUMBS]:
        try:
            image = _decoded(images, images.members[place], THUMB).convert("RGB")
        except UNREADABLE:
            continue
        made.append((label, base64.b64encode(image.tobytes()).decode()))
    return tuple(made[:THUMBS])


def _hidden(member: zipfile.ZipInfo) -> bool:
    """Whether it is a folder, or a system file."""
    parts = _parts(member)
    return member.is_dir() or member.filename.endswith("\\") \
        or any(p.startswith((".", "__MACOSX")) for p in parts) \
        or parts[-1:] in (("Thumbs.db",), ("desktop.ini",))


def _parts(member: zipfile.ZipInfo) -> tuple[str, ...]:
    """The folders and the name of a member, also of archives that Windows wrote."""
    return PurePosixPath(member.filename.replace("\\", "/")).parts


def _classes(
    pictures: list[zipfile.ZipInfo], file: str
) -> tuple[dict[zipfile.ZipInfo, str], list[str]]:
    """The class of each image, and notes: the first folder below those that all images share.

    Folders like `train` and `test` above the classes are pooled, since lrdash makes its own split.
    """
    folders = {picture: _parts(picture)[:-1] for picture in pictures}
    notes: list[str] = []
    shared = _shared(folders.values())
    below = {folder[shared : shared + 1] for folder in folders.values()}
    parts = sorted(name for names in below for name in names)
    if len(below) > 1 and all(name.lower() in PARTS for name in parts) and () not in below:
        folders = {picture: folder[shared + 1 :] for picture, folder in folders.items()}
        shared = _shared(folders.values())
        notes.append(f"The folders {listed(parts)} are pooled; lrdash makes its own split")
    stray = next((m.filename for m, folder in folders.items() if len(folder) <= shared), None)
    if stray is not None:
        raise DataRefused(file, f"{stray} is not in a class folder", LAYOUT)
    deeper = sum(len(folder) > shared + 1 for folder in folders.values())
    if deeper:
        notes.append(f"{plural(deeper, 'image')} in folders inside a class folder, counted as that "
                     "class")
    return {picture: folder[shared][:100] for picture, folder in folders.items()}, notes


def _shared(folders: Iterable[tuple[str, ...]]) -> int:
    """How many folders from the top all images share, besides the folder of a single class."""
    several = list(folders)
    shared = 0
    while all(len(folder) > shared for folder in several) \
            and len({folder[shared] for folder in several}) == 1:
        shared += 1
    return min(shared, max(0, min(len(folder) for folder in several) - 1))


def _readable(archive: zipfile.ZipFile, member: zipfile.ZipInfo, file: str) -> bool:
    """Whether the header is that of an image within the limit; its pixels are not decoded."""
    try:
        with Image.open(io.BytesIO(unpacked(archive, member, file)), formats=FORMATS) as image:
            return 0 < image.width * image.height <= PIXELS.most
    except UNREADABLE:
        return False


def _decoded(images: Images, member: zipfile.ZipInfo, side: int) -> Any:
    content = unpacked(images.archive, member, images.file)
    with Image.open(io.BytesIO(content), formats=FORMATS) as image:
        if image.width * image.height > PIXELS.most:
            raise ValueError("too many pixels")
        image.draft("RGB", (2 * side, 2 * side))  # JPEG: decode no finer than needed
        image.load()
        turned = ImageOps.exif_transpose(image)
        return ImageOps.fit(_plain(turned), (side, side), Image.Resampling.BOX)


def _plain(image: Any) -> Any:
    """8-bit colours; transparent images on white."""
    if image.mode.startswith(("I", "F")):  # 16 bits a pixel or more
        values = np.asarray(image).astype(np.float64)
        top = max(65_535.0, float(values.max()))
        return Image.fromarray((values.clip(0) * 255 / top).astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        above = image.convert("RGBA")
        below = Image.new("RGBA", above.size, "white")
        return Image.alpha_composite(below, above).convert("RGB")
    return image.convert("RGB")


def _hold_share(bad: list[zipfile.ZipInfo], among: int, file: str) -> None:
    if bad and (len(bad) > BAD_SHARE * among or len(bad) == among):
        problem = f"{len(bad):,} of {among:,} images cannot be read, the first {bad[0].filename}"
        remedy = f"They must be PNG, JPEG, GIF, BMP or WebP of at most {PIXELS.words} pixels."
        raise DataRefused(file, problem, remedy)


def _left_out(names: list[str], what: str) -> list[str]:
    if not names:
        return []
    more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
    return [f"Left out, {what}: {', '.join(names[:3])}{more}"]
