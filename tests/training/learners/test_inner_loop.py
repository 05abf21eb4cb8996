"""Meta-gradients equal those of an independent implementation in torch.func, to 1e-5."""

from __future__ import annotations

from collections.abc import Callable

import pytest

torch = pytest.importorskip("torch", reason="training needs the extra `train`: make test")

from torch import Tensor
from torch.func import grad, vmap

from headstart.training.learners.inner_loop import Parameters, adapted, per_task

RATE, STEPS, TASKS = 0.3, 3, 4


def network(parameters: Parameters, x: Tensor) -> Tensor:
    """One hidden layer; works on one task and on many at once."""
    hidden = torch.tanh(x @ parameters["first"] + parameters["shift"].unsqueeze(-2))
    output: Tensor = hidden @ parameters["last"]
    return output


def squared(parameters: Parameters, x: Tensor, y: Tensor) -> Tensor:
    return ((network(parameters, x) - y) ** 2).mean(dim=(-2, -1)).sum()


@pytest.fixture
def start() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    shapes = {"first": (2, 6), "shift": (6,), "last": (6, 3)}
    return {
        name: torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()
        for name, shape in shapes.items()
    }


@pytest.fixture
def tasks() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Support and query inputs and targets of every task."""
    generator = torch.Generator().manual_seed(1)
    sizes = ((5, 2), (5, 3), (7, 2), (7, 3))
    found = [torch.randn(TASKS, *size, generator=generator, dtype=torch.float64) for size in sizes]
    return found[0], found[1], found[2], found[3]


def ours(
    start: dict[str, Tensor],
    tasks: tuple[Tensor, Tensor, Tensor, Tensor],
    *,
    second_order: bool,
    names: tuple[str, ...] = ("first", "shift", "last"),
) -> dict[str, Tensor]:
    support, targets, queries, answers = tasks
    fitted = adapted(
        lambda parameters: squared(parameters, support, targets),
        per_task(start, TASKS),
        [dict.fromkeys(names, RATE)] * STEPS,
        second_order=second_order,
    )
    loss = squared(fitted, queries, answers) / TASKS
    return dict(zip(start, torch.autograd.grad(loss, list(start.values())), strict=True))


def independent(
    start: dict[str, Tensor],
    tasks: tuple[Tensor, Tensor, Tensor, Tensor],
    names: tuple[str, ...] = ("first", "shift", "last"),
) -> dict[str, Tensor]:
    """MAML as a composition of pure functions: no graph is kept by hand, one task at a time."""

    def task_loss(theta: dict[str, Tensor], *task: Tensor) -> Tensor:
        support, targets, queries, answers = task
        current = theta
        for _ in range(STEPS):
            slope = grad(squared)(current, support, targets)
            current = {
                name: value - RATE * slope[name] if name in names else value
                for name, value in current.items()
            }
        return squared(current, queries, answers)

    plain = {name: value.detach() for name, value in start.items()}
    each = vmap(grad(task_loss), in_dims=(None, 0, 0, 0, 0))(plain, *tasks)
    return {name: value.mean(dim=0) for name, value in each.items()}


def assert_equal(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, atol=1e-5, rtol=1e-5)
        assert value.abs().max() > 1e-3, "a gradient of nothing would prove nothing"


def test_maml_s_meta_gradient_is_the_independent_one(
    start: dict[str, Tensor], tasks: tuple[Tensor, Tensor, Tensor, Tensor]
) -> None:
    assert_equal(ours(start, tasks, second_order=True), independent(start, tasks))


def test_anil_s_meta_gradient_is_the_independent_one(
    start: dict[str, Tensor], tasks: tuple[Tensor, Tensor, Tensor, Tensor]
) -> None:
    found = ours(start, tasks, second_order=True, names=("last",))

    assert_equal(found, independent(start, tasks, names=("last",)))


def test_first_order_is_the_query_gradient_at_the_adapted_parameters(
    start: dict[str, Tensor], tasks: tuple[Tensor, Tensor, Tensor, Tensor]
) -> None:
    support, targets, queries, answers = tasks

    def fomaml(*task: Tensor) -> dict[str, Tensor]:
        current = {name: value.detach() for name, value in start.items()}
        for _ in range(STEPS):
            slope = grad(squared)(current, task[0], task[1])
            current = {name: value - RATE * slope[name] for name, value in current.items()}
        gradients: dict[str, Tensor] = grad(squared)(current, task[2], task[3])
        return gradients

    each = vmap(fomaml)(support, targets, queries, answers)
    expected = {name: value.mean(dim=0) for name, value in each.items()}

    assert_equal(ours(start, tasks, second_order=False), expected)


def test_first_and_second_order_differ(
    start: dict[str, Tensor], tasks: tuple[Tensor, Tensor, Tensor, Tensor]
) -> None:
    first, second = (ours(start, tasks, second_order=order) for order in (False, True))

    assert max(float((first[n] - second[n]).abs().max()) for n in start) > 1e-2


def test_the_meta_gradient_is_the_slope_of_the_adapted_loss(
    start: dict[str, Tensor], tasks: tuple[Tensor, Tensor, Tensor, Tensor]
) -> None:
    def after(moved: dict[str, Tensor]) -> float:
        fitted = adapted(
            lambda parameters: squared(parameters, tasks[0], tasks[1]),
            per_task(moved, TASKS),
            [dict.fromkeys(moved, RATE)] * STEPS,
            second_order=False,
        )
        return float(squared(fitted, tasks[2], tasks[3]).detach()) / TASKS

    found = ours(start, tasks, second_order=True)["shift"]

    for place in range(6):
        step = torch.zeros(6, dtype=torch.float64)
        step[place] = 1e-5
        up, down = ({**start, "shift": start["shift"] + sign * step} for sign in (1, -1))
        assert (after(up) - after(down)) / 2e-5 == pytest.approx(float(found[place]), abs=1e-5)


def test_one_step_on_a_parabola_by_hand() -> None:
    # loss a·w²/2 has slope a·w: w' = w(1 − r·a); half of w'² then has slope w(1 − r·a)² in w,
    # and first order, which leaves the step's own slope out, w(1 − r·a).
    def slope(second_order: bool) -> float:
        w = torch.tensor(2.0, requires_grad=True)
        parabola: Callable[[Parameters], Tensor] = lambda p: 3.0 * p["w"] ** 2 / 2  # noqa: E731
        fitted = adapted(parabola, {"w": w}, [{"w": 0.1}], second_order=second_order)
        return float(torch.autograd.grad(fitted["w"] ** 2 / 2, w)[0])

    assert slope(second_order=True) == pytest.approx(2.0 * 0.7**2)
    assert slope(second_order=False) == pytest.approx(2.0 * 0.7)


def test_step_sizes_get_their_gradient_too() -> None:
    w, rate = torch.tensor(2.0, requires_grad=True), torch.tensor(0.1, requires_grad=True)

    fitted = adapted(lambda p: 3.0 * p["w"] ** 2 / 2, {"w": w}, [{"w": rate}], second_order=True)

    # w' = w − r·a·w, so half of w'² has slope −a·w·w' in r.
    assert float(torch.autograd.grad(fitted["w"] ** 2 / 2, rate)[0]) == pytest.approx(-6.0 * 1.4)
