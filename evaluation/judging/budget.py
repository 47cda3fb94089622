"""What a run may spend: reserved before each call at the most that it can cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evaluation.judging.endpoints import Price

PER_MESSAGE = 32  # tokens that a chat template may put around one message
NANO = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Estimate:
    """Tokens and money of one call: what is likely, and the most."""

    likely_in: int
    most_in: int
    most_out: int

    def most_nano(self, price: Price | None) -> int:
        """The most that it costs, in billionths of a dollar; 0 where the price is unknown."""
        return price.nano(self.most_in, self.most_out) if price else 0


def estimate(messages: Sequence[Mapping[str, str]], max_output_tokens: int) -> Estimate:
    """Bound a call: a token is a byte at least, in every byte-level vocabulary; four characters as a rule."""
    size = sum(len(message["content"].encode()) for message in messages)
    frame = PER_MESSAGE * (len(messages) + 1)
    return Estimate(size // 4 + frame, size + frame, max_output_tokens)


@dataclass(slots=True)
class Budget:
    """Caps on calls and on money; None: no cap of this kind. `spent` and `held` are billionths of a dollar."""

    max_calls: int | None
    max_nano: int | None
    calls: int = 0
    spent: int = 0
    held: int = 0

    def reserve(self, nano: int) -> bool:
        """Set the most that a call can cost aside; False, and nothing is set aside, where a cap would be passed."""
        if self.max_calls is not None and self.calls + 1 > self.max_calls:
            return False
        if self.max_nano is not None and self.spent + self.held + nano > self.max_nano:
            return False
        self.calls += 1
        self.held += nano
        return True

    def settle(self, reserved: int, cost: int) -> None:
        """Exchange what was set aside for what the call did cost."""
        self.held -= reserved
        self.spent += cost

    def release(self, reserved: int) -> None:
        """Give back what was set aside for a call that was turned away: it was not bought."""
        self.held -= reserved
        self.calls -= 1


def dollars(nano: int) -> float:
    """Billionths of a dollar in dollars."""
    return nano / NANO
