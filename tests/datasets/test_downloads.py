"""Datasets that Keras downloads: what is read, what fails, and what to do then."""

from __future__ import annotations

import gzip
import socket
import urllib.error
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from lrdash.core.errors import DatasetUnavailable
from lrdash.datasets import DATASETS, Dataset, download
from lrdash.datasets.scaling import standardise
from tests.factories.datasets import forget

pytestmark = pytest.mark.usefixtures("without_network")


def loader(name: str) -> ModuleType:
    import keras

    module: ModuleType = getattr(keras.datasets, name)
    return module


# Downloads


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_grey_images_come_as_one_channel_between_0_and_1(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = (np.arange(60_000) % 10).astype(np.uint8)
    images = np.zeros((60_000, 28, 28), np.uint8)
    images[:, 3, 5] = labels * 25
    test_part = images[:10], labels[:10]
    monkeypatch.setattr(loader(name), "load_data", lambda: ((images, labels), test_part))
    split = DATASETS[name].load(500)
    assert split.x_train.shape == (400, 28, 28, 1)
    assert np.bincount(split.y_val).tolist() == [10] * 10
    assert np.allclose(split.x_train[:, 3, 5, 0], split.y_train * 25 / 255)


@pytest.mark.parametrize("axis", [-1, 1])
def test_colour_images_have_their_channels_last_however_keras_is_set(
    axis: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = np.arange(32 * 32 * 3, dtype=np.int64).reshape(32, 32, 3) % 256
    image = np.moveaxis(pixels.astype(np.uint8), -1, 0) if axis == 1 else pixels.astype(np.uint8)
    images = np.broadcast_to(image, (50_000, *image.shape))
    labels = (np.arange(50_000) % 10).astype(np.uint8).reshape(-1, 1)
    monkeypatch.setattr(loader("cifar10"), "load_data", lambda: ((images, labels), (None, None)))
    split = DATASETS["cifar10"].load(100)
    assert split.x_train.shape == (80, 32, 32, 3)
    assert np.allclose(split.x_train[0] * 255, pixels)
    assert split.y_train.shape == (80,)


def test_small_differences_of_large_numbers_are_standardised_and_constants_are_not() -> None:
    times = 1.7e12 + np.arange(100.0)  # milliseconds since 1970
    scaled, _ = standardise(np.stack([times, np.full(100, 0.1)], axis=1), np.zeros((1, 2)))
    assert scaled[:, 0].mean() == pytest.approx(0, abs=1e-4)
    assert scaled[:, 0].std() == pytest.approx(1, rel=1e-4)
    np.testing.assert_allclose(scaled[:, 1], 0, atol=1e-12)


def test_california_is_standardised_with_its_target(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.RandomState(0)
    x, y = random.random_sample((16_512, 8)), 1e5 * random.random_sample(16_512)
    module = loader("california_housing")
    monkeypatch.setattr(module, "load_data", lambda: ((x, y), (x[:1], y[:1])))
    split = DATASETS["california_housing"].load()
    assert split.x_train.shape == (4000, 8)
    assert split.y_train.dtype == np.float32
    assert split.y_train.std() == pytest.approx(1, abs=1e-5)


def test_a_download_without_a_network_names_the_file_the_folder_and_the_way_out(
    downloaded: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    reason = "URL fetch failure on https://example.org/f: None -- [Errno -2] Name not known"

    def fail() -> None:
        raise Exception(reason)

    monkeypatch.setattr(loader(downloaded.id), "load_data", fail)
    with pytest.raises(DatasetUnavailable) as caught:
        downloaded.load()
    message = str(caught.value)
    assert message.startswith(f"{downloaded.label} could not be loaded: the download failed")
    assert "[Errno -2] Name not known" in message
    assert "example.org" not in message
    assert str(download.cache_folder()) in message
    assert "such as digits or diabetes" in message


def test_a_failed_download_is_tried_again_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = np.zeros((16_512, 8)), np.arange(16_512.0)
    module = loader("california_housing")

    def fail() -> None:
        raise ConnectionResetError(104, "Connection reset by peer")

    monkeypatch.setattr(module, "load_data", fail)
    with pytest.raises(DatasetUnavailable, match="the connection was lost"):
        DATASETS["california_housing"].load()
    monkeypatch.setattr(module, "load_data", lambda: ((x, y), (x[:1], y[:1])))
    assert len(DATASETS["california_housing"].load().x_train) == 4000


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (ValueError("Incomplete or corrupted file detected."), "incomplete or damaged"),
        (EOFError("Compressed file ended"), "incomplete or damaged"),
        (gzip.BadGzipFile("Not a gzipped file"), "incomplete or damaged"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (TimeoutError("timed out"), "was lost"),
    ],
)
def test_a_damaged_file_should_be_deleted(
    fault: Exception, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise fault

    monkeypatch.setattr(loader("fashion_mnist"), "load_data", fail)
    with pytest.raises(DatasetUnavailable, match=words) as caught:
        DATASETS["fashion_mnist"].load()
    assert "train-labels-idx1-ubyte.gz" in str(caught.value)
    assert "delete them" in str(caught.value)


def test_a_truncated_pool_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    part = np.zeros((600, 28, 28), np.uint8), np.zeros(600, np.uint8)
    monkeypatch.setattr(loader("mnist"), "load_data", lambda: (part, part))
    with pytest.raises(DatasetUnavailable, match=r"put mnist\.npz into .*delete it first"):
        DATASETS["mnist"].load()


def test_keras_own_loader_reads_its_cache_and_a_half_downloaded_file_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from keras.src.backend import config

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(config, "_KERAS_DIR", str(tmp_path))  # Keras reads the variable at import
    folder = tmp_path / "datasets" / "fashion-mnist"
    folder.mkdir(parents=True)
    for part, count in (("train", 60_000), ("t10k", 10)):
        images, labels = bytes(16 + count * 784), bytes(8) + bytes(i % 10 for i in range(count))
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(images, 1))
        (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels, 1))
    assert np.bincount(DATASETS["fashion_mnist"].load(100).y_train).tolist() == [8] * 10

    forget()
    whole = (folder / "train-images-idx3-ubyte.gz").read_bytes()
    (folder / "train-images-idx3-ubyte.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DatasetUnavailable, match="incomplete or damaged") as caught:
        DATASETS["fashion_mnist"].load(100)
    assert str(tmp_path) in str(caught.value)


def test_keras_own_loader_without_a_network_ends_in_our_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from keras.src.backend import config
    from keras.src.utils import file_utils

    def refuse(*_: object, **__: object) -> None:
        assert socket.getdefaulttimeout() == download.STALL_SECONDS
        raise urllib.error.URLError("Name or service not known")

    monkeypatch.setattr(config, "_KERAS_DIR", str(tmp_path))
    monkeypatch.setattr(file_utils, "urlretrieve", refuse)
    with pytest.raises(DatasetUnavailable, match=r"failed \(Name or service not known\)"):
        DATASETS["mnist"].load()
    assert socket.getdefaulttimeout() is None
    assert "Downloading" in capsys.readouterr().out
