"""Several processes that train one adapter together, as `accelerate launch` starts them; one process is a world too.

The microbatches of a step are dealt out, each process adds up the gradients of its own, and the sums are added up: the
loss of a step is a sum over its answers' tokens, so the whole gradient is that of one process, whatever the deal.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Self, TypeVar

import torch
import torch.distributed as together
from torch import Tensor

T = TypeVar("T")
PATIENCE = timedelta(minutes=30)  # one process hears all clips while the others wait


@dataclass(frozen=True, slots=True)
class World:
    rank: int = 0
    size: int = 1
    device: str | None = None  # of this process, where there are several

    @classmethod
    def joined(cls) -> Self:
        """Join the processes that were started with this one, by the environment that the launcher sets."""
        size = int(os.environ.get("WORLD_SIZE", "1"))
        if size < 2:
            return cls()
        local = int(os.environ.get("LOCAL_RANK", "0"))
        on_gpu = torch.cuda.is_available() and os.environ.get("ACCELERATE_USE_CPU", "").lower() not in ("1", "true")
        if on_gpu:
            torch.cuda.set_device(local)
        if not together.is_initialized():
            together.init_process_group("nccl" if on_gpu else "gloo", timeout=PATIENCE)
        return cls(rank=int(os.environ["RANK"]), size=size, device=f"cuda:{local}" if on_gpu else "cpu")

    @property
    def is_first(self) -> bool:
        """Whether this process writes and reports."""
        return self.rank == 0

    def mine(self, parts: Sequence[T]) -> Sequence[T]:
        """The parts that this process works on."""
        return parts[self.rank :: self.size]

    def add_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Give every process the sum of all gradients."""
        if self.size == 1:
            return
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            together.all_reduce(parameter.grad)

    def add(self, *numbers: float) -> list[float]:
        """Add numbers up over all processes."""
        if self.size == 1:
            return list(numbers)
        told = torch.tensor(numbers, dtype=torch.float64, device=self.device)
        together.all_reduce(told)
        return [float(number) for number in told]

    def any(self, holds: bool) -> bool:
        """Whether it holds for one of them."""
        return self.add(float(holds))[0] > 0

    def left(self) -> None:
        if self.size > 1 and together.is_initialized():
            together.destroy_process_group()


ALONE = World()
