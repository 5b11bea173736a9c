"""Rounds of runs, and what follows from them.

In each round every engine runs the same guest once, in turn, so that whatever else the machine does
meets all of them. Of the rounds the median counts, less the median of the guest `null`, which
only starts and ends.
"""

import statistics

from guests import Failure, NULL, build


class Series:
    """The runs of one guest on one engine, all of which must be right and alike."""

    def __init__(self, engine, guest, n):
        self.engine, self.guest = engine, guest
        self.expected = guest.output(n)
        self.cpu = []
        self.retired = None

    def add(self, run):
        if run.output != self.expected:
            raise Failure(f"printed {run.output!r}, not {self.expected!r}")
        if self.cpu and run.retired != self.retired:
            raise Failure(f"{run.retired} instructions, and {self.retired} the last time")
        self.retired = run.retired
        self.cpu.append(run.cpu)

    def median(self):
        return statistics.median(self.cpu)


def run_guest(guest, n, image, engines, rounds):
    """The series of each engine, by its name."""
    series = {engine.name: Series(engine, guest, n) for engine in engines}
    for _ in range(rounds):
        for one in series.values():
            try:
                one.add(one.engine.run(image))
            except Failure as failure:
                raise Failure(f"{one.engine.name}: {failure}") from failure
    return series


def counted(series, start):
    """Instructions beyond those of start and end, on which all engines that count must agree."""
    counts = {
        name: one.retired - start[name].retired
        for name, one in series.items()
        if one.retired is not None
    }
    if len(set(counts.values())) != 1:
        raise Failure(f"the engines do not agree on the count: {counts}")
    return next(iter(counts.values()))


def rate(count, seconds):
    """Millions a second; None where start and end took longer than the guest."""
    return count / seconds / 1e6 if seconds > 0 else None


def ratio(a, b):
    return a / b if a and b else None


def row_of(guest, n, series, start):
    """What is known of one guest, ready for JSON."""
    count = counted(series, start)
    rates = {
        name: rate(count, one.median() - start[name].median()) for name, one in series.items()
    }
    return {
        "guest": guest.name,
        "what": guest.what,
        "n": n,
        "instructions": count,
        "mips": rates,
        "cpu_seconds": {name: one.cpu for name, one in series.items()},
        "ratio": {
            name: ratio(rates["descry"], value) for name, value in rates.items() if name != "descry"
        },
        "goal": guest.goal,
    }


class Bench:
    """Knows the engines, and what start and end cost on each."""

    def __init__(self, engines, arguments, folder):
        self.engines, self.arguments, self.folder = engines, arguments, folder
        self.start = None

    def series(self, guest):
        n = max(1, round(guest.n * self.arguments.scale))
        image = build(guest, n, self.arguments.sources, self.folder)
        return n, run_guest(guest, n, image, self.engines, self.arguments.rounds)

    def row(self, guest):
        if self.start is None:
            self.start = self.series(NULL)[1]
        n, series = self.series(guest)
        return row_of(guest, n, series, self.start)


def pair_ratio(rows, pair):
    """How fast the first of two guests is beside the second, by engine."""
    first, second, goal = pair
    by_name = {row["guest"]: row["mips"] for row in rows}
    if first not in by_name or second not in by_name:
        return None
    part = {name: ratio(mips, by_name[second][name]) for name, mips in by_name[first].items()}
    return {"guests": [first, second], "part": part, "goal": goal}
