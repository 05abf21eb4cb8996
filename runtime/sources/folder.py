"""Folders of media as items and samples: one class a folder, one stem a sample."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from headstart.runtime.errors import CaptureError, ConfigError
from headstart.runtime.sample import AudioClip, Frame, Sample
from headstart.runtime.sources.images import read_image
from headstart.runtime.sources.sound import read_audio, refuse_silence
from headstart.runtime.sources.video import sample_from_video

IMAGE_EXTENSIONS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
AUDIO_EXTENSIONS = (
    ".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".aac", ".aif", ".aiff",
)  # fmt: skip
VIDEO_EXTENSIONS = (
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".3gp",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class MediaItem:
    """The files of one sample.

    Args:
        label: name of the class folder; empty for files given without one.
        stem: file name without its extension, shared by the files.
        image: picture file, if there is one.
        audio: sound file, if there is one.
        video: video file, which stands alone, if there is one.
    """

    label: str
    stem: str
    image: Path | None = None
    audio: Path | None = None
    video: Path | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that are there."""
        return tuple(p for p in (self.image, self.audio, self.video) if p is not None)


@dataclass(frozen=True, kw_only=True, eq=False)
class Reading:
    """What came out of a mix of files.

    Args:
        samples: the good ones, in the order of the files.
        failures: each file that gave nothing, with its reason.
    """

    samples: tuple[Sample, ...]
    failures: tuple[tuple[Path, CaptureError], ...]


def media_kind(path: Path) -> str | None:
    """Return ``image``, ``audio`` or ``video`` by the extension, in any case; None for others."""
    extension = path.suffix.lower()
    if extension in IMAGE_EXTENSIONS:
        return "image"
    if extension in AUDIO_EXTENSIONS:
        return "audio"
    return "video" if extension in VIDEO_EXTENSIONS else None


def scan(path: str | Path) -> list[MediaItem]:
    """List the samples of ``DATA/<class>/<stem>.<extension>``, sorted by class and stem.

    Files of one class that share a stem are one sample. Hidden files and folders, macOS ``._``
    files and anything that is not media are left out, as are files below a class folder's folders.

    Raises:
        CaptureError: no such folder, no class folder with media, or two files that claim to be
            the same half of one sample.
    """
    root = Path(path)
    items: list[MediaItem] = []
    for folder in _entries(root):
        if folder.is_dir():
            label = unicodedata.normalize("NFC", folder.name)
            items += _paired(_media_in(folder), label)
    if not items:
        raise CaptureError(
            f"{root} holds no class folder with media; expected {root.name or 'DATA'}/<class>/"
            "<name>.jpg, .wav, .mp4 or the like: put each class into a folder of its own"
        )
    return items


def read_sample(item: MediaItem) -> Sample:
    """Read one item; silence is read like any sound.

    Raises:
        CaptureError: a file of it cannot be used.
    """
    if item.video is not None:
        return sample_from_video(item.video)[0]
    image = None if item.image is None else read_image(item.image)
    audio = None if item.audio is None else read_audio(item.audio)
    return Sample(image=image, audio=audio, source=str(item.paths[0]))


def read_samples(paths: Sequence[str | Path], *, shots: int = 1) -> Reading:
    """Read everything that some files and folders hold, to learn one class from it.

    A folder stands for the media directly in it. Files of one folder that share a stem are one
    sample; if one of two fails, the other still counts. A file given twice counts once. A silent
    sound is a failure here: a class cannot be learnt from it.

    Args:
        paths: files and folders in any mix.
        shots: samples to take from each video file.

    Raises:
        CaptureError: no path given, a path is missing or not media, or a folder holds no media.
            Nothing has been read then.
        ConfigError: ``shots`` below 1.
    """
    if not paths:
        raise CaptureError("no file or folder was given; expected at least one: name some media")
    if shots < 1:
        raise ConfigError(f"{shots} shots were asked for; expected at least 1")
    samples: list[Sample] = []
    failures: list[tuple[Path, CaptureError]] = []
    for files in _by_stem(_expanded(paths)).values():
        try:
            items = _paired(files, "")
        except CaptureError as error:
            failures += [(file, error) for file in files]
            continue
        for item in items:
            _read_into(item, shots, samples, failures)
    return Reading(samples=tuple(samples), failures=tuple(failures))


def items_in(folder: str | Path) -> list[MediaItem]:
    """List the samples directly in one folder, sorted by stem, without a label.

    Raises:
        CaptureError: no such folder, no media in it, or two files claim the same half.
    """
    root = Path(folder)
    items = _paired(_media_in(root), "")
    if not items:
        raise _no_media(root)
    return items


def _read_into(
    item: MediaItem,
    shots: int,
    samples: list[Sample],
    failures: list[tuple[Path, CaptureError]],
) -> None:
    """Read one item for learning; what fails of it goes to ``failures``."""
    if item.video is not None:
        try:
            samples += sample_from_video(item.video, shots=shots)
        except CaptureError as error:
            failures.append((item.video, error))
        return
    image: Frame | None = None
    audio: AudioClip | None = None
    if item.image is not None:
        try:
            image = read_image(item.image)
        except CaptureError as error:
            failures.append((item.image, error))
    if item.audio is not None:
        try:
            audio = _audible(item.audio)
        except CaptureError as error:
            failures.append((item.audio, error))
    if image is not None or audio is not None:
        samples.append(Sample(image=image, audio=audio, source=str(item.paths[0])))


def _audible(path: Path) -> AudioClip:
    clip = read_audio(path)
    refuse_silence(clip, str(path))
    return clip


def _expanded(paths: Sequence[str | Path]) -> list[Path]:
    """Replace folders by their media, and drop what is named twice."""
    files: dict[Path, Path] = {}
    for path in map(Path, paths):
        if path.is_dir():
            found = _media_in(path)
            if not found:
                raise _no_media(path)
        elif not path.is_file():
            raise CaptureError(f"{path} does not exist; expected a media file: check the path")
        elif media_kind(path) is None:
            raise CaptureError(
                f"{path} is not a kind of file that we read; expected one of"
                f" {' '.join(IMAGE_EXTENSIONS + AUDIO_EXTENSIONS + VIDEO_EXTENSIONS)}"
            )
        else:
            found = [path]
        for file in found:
            files.setdefault(file.resolve(), file)
    return list(files.values())


def _no_media(folder: Path) -> CaptureError:
    return CaptureError(
        f"{folder} holds no media; expected pictures, sounds or videos directly in it: check the"
        " folder"
    )


def _entries(folder: Path) -> list[Path]:
    """List what is visible in a folder, in the same order on every file system."""
    if not folder.is_dir():
        found = "is not a folder" if folder.exists() else "does not exist"
        raise CaptureError(f"{folder} {found}; expected a folder with media: check the path")
    try:
        entries = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    except OSError as error:
        raise CaptureError(
            f"{folder} cannot be listed ({error.strerror}); expected a readable folder: check its"
            " permissions"
        ) from error
    return sorted(entries, key=lambda entry: unicodedata.normalize("NFC", entry.name))


def _media_in(folder: Path) -> list[Path]:
    return [e for e in _entries(folder) if media_kind(e) is not None and e.is_file()]


def _by_stem(files: Iterable[Path]) -> dict[tuple[Path, str], list[Path]]:
    """Group files by folder and stem, in the order in which each first appears."""
    groups: dict[tuple[Path, str], list[Path]] = {}
    for file in files:
        # File systems differ in how they write an é: compare stems in one normal form.
        stem = unicodedata.normalize("NFC", file.stem)
        groups.setdefault((file.parent, stem), []).append(file)
    return groups


def _paired(files: Iterable[Path], label: str) -> list[MediaItem]:
    """Make one item of each stem.

    Raises:
        CaptureError: two pictures, two sounds, or a video and something else share a stem.
    """
    items = []
    for (_, stem), group in _by_stem(files).items():
        kinds: dict[str, Path] = {}
        for file in group:
            kind = media_kind(file) or ""
            if kind in kinds or (kinds and "video" in (kind, *kinds)):
                raise CaptureError(
                    f"{next(iter(kinds.values()))} and {file.name} share a name; expected one"
                    " picture, one sound or both, or one video a name: rename one of them"
                )
            kinds[kind] = file
        items.append(
            MediaItem(
                label=label,
                stem=stem,
                image=kinds.get("image"),
                audio=kinds.get("audio"),
                video=kinds.get("video"),
            )
        )
    return items
