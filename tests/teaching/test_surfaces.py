"""The surfaces of the Valley page: closed forms against finite differences, minima, pictures."""

from __future__ import annotations

import numpy as np
import pytest

from lrdash.teaching import SURFACES, Surface
from lrdash.teaching.surfaces import Floats

STEP = 1e-5
surfaces = pytest.mark.parametrize("surface", SURFACES.values(), ids=list(SURFACES))


def places(surface: Surface, count: int = 40) -> Floats:
    spans = np.array(surface.spans)
    drawn = np.random.default_rng(1).uniform(size=(count, surface.dimensions))
    return np.vstack([[surface.start], spans[:, 0] + drawn * (spans[:, 1] - spans[:, 0])])


def sides(surface: Surface) -> Floats:
    return np.eye(surface.dimensions) * STEP


@surfaces
def test_the_gradient_is_that_of_the_value(surface: Surface) -> None:
    for place in places(surface):
        numeric = [
            (surface.value(place + side) - surface.value(place - side)) / (2 * STEP)
            for side in sides(surface)
        ]
        np.testing.assert_allclose(surface.gradient(place), numeric, rtol=1e-5, atol=1e-6)


@surfaces
def test_the_hessian_is_that_of_the_gradient(surface: Surface) -> None:
    for place in places(surface):
        numeric = np.array([
            (surface.gradient(place + side) - surface.gradient(place - side)) / (2 * STEP)
            for side in sides(surface)
        ])
        np.testing.assert_allclose(surface.hessian(place), numeric, rtol=1e-5, atol=1e-5)


@surfaces
def test_every_minimum_is_one_and_the_lowest_loss_is_zero(surface: Surface) -> None:
    bottoms = []
    for minimum in surface.minima:
        place = np.array(minimum.place)
        np.testing.assert_allclose(surface.gradient(place), 0, atol=1e-12)
        assert np.linalg.eigvalsh(surface.hessian(place))[0] > 0
        bottoms.append(float(surface.value(place)))
    assert min(bottoms) == 0
    assert surface.value(places(surface, 2000)).min() >= 0


@surfaces
def test_start_and_minima_are_in_the_picture(surface: Surface) -> None:
    assert surface.inside(surface.start)
    assert all(surface.inside(minimum.place) for minimum in surface.minima)
    outside = [high + 0.1 for _, high in surface.spans]
    assert not surface.inside(outside)
    assert not surface.inside([np.nan] * surface.dimensions)


@surfaces
def test_the_grid_holds_the_losses_row_by_row(surface: Surface) -> None:
    grid = surface.grid(7)
    low = [span[0] for span in surface.spans]
    ends = [low[0] + (surface.spans[0][1] - low[0]) * 2 / 6, *low[1:]]
    assert grid.shape == (7,) * surface.dimensions
    found = grid[2] if surface.dimensions == 1 else grid[0, 2]
    assert found == pytest.approx(float(surface.value(np.array(ends))))


@surfaces
def test_the_curvature_is_the_steepest_there_is(surface: Surface) -> None:
    for place in places(surface, 10):
        bend, direction = surface.curvature(place)
        hessian = surface.hessian(place)
        assert np.linalg.norm(direction) == pytest.approx(1)
        np.testing.assert_allclose(hessian @ direction, bend * direction, atol=1e-9)
        angles = np.linspace(0, np.pi, 181)
        ways = np.stack([np.cos(angles), np.sin(angles)])[: surface.dimensions].T
        ways /= np.linalg.norm(ways, axis=1, keepdims=True)
        assert np.einsum("ni,ij,nj->n", ways, hessian, ways).max() <= bend + 1e-9


@surfaces
def test_what_is_said_to_bend_evenly_does(surface: Surface) -> None:
    bends = [surface.curvature(place)[0] for place in places(surface)]
    assert (np.ptp(bends) < 1e-9) == surface.even


def test_an_unknown_surface_is_answered_with_the_nearest() -> None:
    from lrdash.core.errors import UnknownName

    with pytest.raises(UnknownName, match=r"Did you mean 'ravine'\?"):
        SURFACES["ravin"]
