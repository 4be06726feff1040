"""What is known of a job while it is waited for: its looks, to whether there is another one."""

from __future__ import annotations

from dataclasses import replace

from capspec.jobs.looking import Look
from capspec.jobs.outcome import Outcome
from capspec.jobs.pacing import Delay, Pace
from capspec.plan.polling import Poll


class Waiting:
    """One wait. `outcome` is what the last good look gave, with the most progress that was ever seen."""

    def __init__(self, poll: Poll, outcome: Outcome, pace: Pace) -> None:
        self.poll = poll
        self.outcome = outcome
        self.pace = pace
        self.attempts = 0
        self.errors = 0

    @property
    def exhausted(self) -> bool:
        return self.poll.max_attempts is not None and self.attempts >= self.poll.max_attempts

    def goes_on(self, delay: Delay, left: float) -> bool:
        """Whether there is another look. The last may come early, unless the provider demanded the delay."""
        if not self.attempts:
            return True
        return not self.exhausted and left > 0 and not (delay.asked and delay.seconds > left)

    def ends_with(self, look: Look) -> bool:
        """Take note of a look; whether it is the last."""
        self.attempts += 1
        self.errors = self.errors + 1 if look.error else 0
        if look.settled or self.errors > self.poll.max_errors:
            return True
        if not look.error:
            seen = look.outcome.progress
            known = self.outcome.progress
            best = known if seen is None else max(seen, known or 0.0)
            self.outcome = replace(look.outcome, progress=best)
        return False

    def told(self, outcome: Outcome) -> Outcome:
        return replace(outcome, attempts=self.attempts)
