"""The MAML paper's sinusoid regression: ten points, then one gradient step, then ten.

Finn et al., 2017, section 5.1: amplitude 0.1–5, phase 0–π, ten points in −5…5, two hidden layers of
40 units, step 0.01, squared error. Li et al. (Meta-SGD, 2017, table 1) measured MAML at 0.77 ± 0.11
after one step; the paper's figure 3 lies between 0.2 and 0.4 after ten. Trained here for a
few thousand steps instead of 70,000. For Reptile nobody has published its error after one step.
"""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="training needs the extra `train`: make test")

from torch import Generator, Tensor

from headstart.training.learners.inner_loop import Parameters, adapted, per_task
from headstart.training.learners.reptile import reptile_gradient

UNITS, POINTS, TASKS = 40, 10, 25
OUTER_STEPS = {"maml": 2500, "reptile": 4000}


def network(parameters: Parameters, x: Tensor) -> Tensor:
    for layer in ("1", "2"):
        x = torch.relu(x @ parameters[f"w{layer}"] + parameters[f"b{layer}"].unsqueeze(-2))
    return x @ parameters["w3"] + parameters["b3"].unsqueeze(-2)


def squared(parameters: Parameters, x: Tensor, y: Tensor) -> Tensor:
    return ((network(parameters, x) - y) ** 2).mean(dim=(-2, -1)).sum()


def initial() -> dict[str, Tensor]:
    generator = Generator().manual_seed(0)
    sizes = [1, UNITS, UNITS, 1]
    start: dict[str, Tensor] = {}
    for layer, (wide, high) in enumerate(zip(sizes[:-1], sizes[1:], strict=True), start=1):
        weights = 0.6 * torch.randn(wide, high, generator=generator) / math.sqrt(wide)
        start[f"w{layer}"] = weights.requires_grad_()
        start[f"b{layer}"] = torch.zeros(high).requires_grad_()
    return start


def sinusoids(generator: Generator, tasks: int, points: int) -> tuple[Tensor, Tensor]:
    amplitude = 0.1 + 4.9 * torch.rand(tasks, 1, 1, generator=generator)
    phase = math.pi * torch.rand(tasks, 1, 1, generator=generator)
    x = 10.0 * torch.rand(tasks, points, 1, generator=generator) - 5.0
    return x, amplitude * torch.sin(x - phase)


def error_after(start: dict[str, Tensor], steps: int, rate: float) -> float:
    """Mean squared error on new sinusoids after some steps on ten points of each."""
    x, y = sinusoids(Generator().manual_seed(99), 600, POINTS + 100)
    fitted = adapted(
        lambda parameters: squared(parameters, x[:, :POINTS], y[:, :POINTS]),
        per_task(start, 600),
        [dict.fromkeys(start, rate)] * steps,
        second_order=False,
    )
    return float(squared(fitted, x[:, POINTS:], y[:, POINTS:]).detach()) / 600


def trained(method: str) -> dict[str, Tensor]:
    start, generator = initial(), Generator().manual_seed(0)
    optimiser = torch.optim.Adam(start.values(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, OUTER_STEPS[method])
    for _ in range(OUTER_STEPS[method]):
        optimiser.zero_grad()
        x, y = sinusoids(generator, TASKS, 2 * POINTS)
        support, queries = (x[:, :POINTS], y[:, :POINTS]), (x[:, POINTS:], y[:, POINTS:])
        own = per_task(start, TASKS)
        if method == "maml":
            fitted = adapted(
                lambda p, task=support: squared(p, *task),  # type: ignore[misc]
                own,
                [dict.fromkeys(start, 0.01)],
                second_order=True,
            )
            (squared(fitted, *queries) / TASKS).backward()  # type: ignore[no-untyped-call]
        else:
            gradient, _ = reptile_gradient(
                lambda p, task=support: squared(p, *task),  # type: ignore[misc]
                own,
                [dict.fromkeys(start, 0.01)] * 10,
            )
            for name, parameter in start.items():
                parameter.grad = gradient[name].mean(dim=0)
        torch.nn.utils.clip_grad_norm_(start.values(), 10.0 if method == "maml" else 1.0)
        optimiser.step()
        schedule.step()
    return start


def test_an_untrained_start_cannot_adapt() -> None:
    assert error_after(initial(), 10, 0.01) > 1.5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "rate", "after_one", "after_ten"),
    [("maml", 0.01, 0.88, 0.4), ("reptile", 0.01, 1.2, 0.4)],
)
def test_the_paper_s_range_is_reached_after_one_and_ten_steps(
    method: str, rate: float, after_one: float, after_ten: float
) -> None:
    start = trained(method)

    assert error_after(start, 0, rate) > 2.5, "nothing is known before the first step"
    assert error_after(start, 1, rate) < after_one
    assert error_after(start, 10, rate) < after_ten
