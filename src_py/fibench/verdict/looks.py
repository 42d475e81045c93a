# SPDX-License-Identifier: BSD-3-Clause
"""How wide an interval must be that is looked at again and again: critical values of Student's t.

A run that may end as soon as its claims are clear is looked at after every block from the `least`
to the `most`. Were the usual interval used at each look, from 6 to 20, a claim whose truth lies on
its bound would be decided in 18 of 100 runs instead of 5. So the error is spent (Lan and DeMets
1983): of alpha, alpha (n/most)² may be spent by the look at n blocks (the power family, Kim and
DeMets 1987), and each look has a critical value c of its own, such that mean ± c sd/√n, at all
looks at once, hold the truth with probability 1 - alpha: repeated confidence intervals (Jennison
and Turnbull 1989). Whatever ends a run, they hold.

The critical values are those of t statistics, not of normal ones in their place, and exact for
normal figures (Jennison and Turnbull 1991 have such calculations, too; here is the recursion). Let
S be the sum of n figures of mean 0, Q that of their squares, and R = S/√Q, so that
t = R √((n - 1)/(n - R²)). R depends on the direction of the figures only, and Q on their length
only; of normal figures the two are independent. So the next figure x has y = x/√Q with y √n
distributed as t with n degrees of freedom, independent of R at this look and all before, and

    R' = (R + y)/√(1 + y²)

makes a Markov chain. With y = tan b, the density of R' is an integral over b of that of R at
(R' - sin b)/cos b, which has no singularity: that is what is computed here, on Chebyshev points.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from fibench.parameters import EARLIER_FEWEST, FEWEST_BLOCKS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Figures = NDArray[np.float64]

FEWEST = EARLIER_FEWEST
"""No look is earlier, and no verdict is of fewer blocks: two figures that are near each other
by chance say nothing."""
MOST_ADVISED = 1000
"""No run is advised to use more blocks than this."""
_MANY = 10**9
"""Degrees of freedom with which Student's t is the normal distribution."""
POWER = 0.8
"""An effect counts as one that a run could have seen if it would see it this often."""
_POINTS = 64
"""Chebyshev points of a density, and Gauss points of an integral, for up to 100 blocks."""
_NEGLIGIBLE = 8.5
"""So many standard deviations from 0, a density is below the precision of figures."""


@dataclass(frozen=True)
class Looks:
    """After which blocks a run is looked at: each from the `least` to the `most`.

    If these are the same, that is a fixed number of blocks, and the intervals are Student's own.
    """

    least: int
    most: int

    def __post_init__(self) -> None:
        if not (1 if self.fixed else FEWEST) <= self.least <= self.most:
            raise ValueError(f"looks from {self.least} to {self.most} blocks, least {FEWEST}")

    @property
    def fixed(self) -> bool:
        """Whether there is one look only."""
        return self.least == self.most

    @property
    def fewest(self) -> int:
        """With fewer complete blocks than this a claim has no verdict."""
        return FEWEST if self.fixed else self.least

    def spent(self, blocks: int, alpha: float) -> float:
        """How much of alpha, two-sided, is spent by the look at so many blocks."""
        return alpha if self.fixed else alpha * (min(blocks, self.most) / self.most) ** 2

    def critical(self, blocks: int, alpha: float) -> float:
        """Half the width of the interval of so many blocks (at least two) in standard errors.

        The blocks are those that the figure itself has: one that lacks some, since a trial failed,
        spends by its own number, not by that of the look. It has its looks later, and may end with
        some of alpha not spent; the promise is kept. Where the run was not looked at, below
        `least`, the interval is that of a first look there.
        """
        if self.fixed or blocks < self.least:
            return t_quantile(1.0 - self.spent(blocks, alpha) / 2.0, blocks - 1)
        return critical_values(alpha, self.least, self.most)[min(blocks, self.most)]


@lru_cache(maxsize=4096)
def t_quantile(probability: float, degrees: float) -> float:
    """Student's t with `degrees` of freedom: the value it stays below with `probability`.

    Only scipy.special is loaded, and only when needed: scipy.stats takes a second to import.
    """
    from scipy.special import stdtrit

    return float(stdtrit(degrees, probability))


def critical(blocks: int, alpha: float, looks: Looks | None = None) -> float:
    """Half the width of an interval in standard errors: Student's t, or as the looks have it."""
    if looks is None:
        return t_quantile(1.0 - alpha / 2.0, blocks - 1)
    return looks.critical(blocks, alpha)


@lru_cache(maxsize=256)
def critical_values(alpha: float, least: int, most: int) -> dict[int, float]:
    """The critical values of t, by number of blocks, for looks from `least` to `most`.

    At total error `alpha`, two-sided, of which alpha (n/most)² is spent by the look at n.
    """
    looks = Looks(least, most)
    paths = Paths(least)
    spent, found = 0.0, {}
    for n in range(least, most + 1):
        edge = paths.edge(looks.spent(n, alpha) - spent)
        spent = looks.spent(n, alpha)
        found[n] = t_of(edge, n)
        if n < most:
            paths.go_on(edge)
    return found


def t_of(edge: float, n: int) -> float:
    """Student's t of n figures for a value of R."""
    return edge * math.sqrt((n - 1) / (n - edge**2))


class Paths:
    """The density of R over n figures, of the paths that no look has ended yet.

    It is kept as a polynomial of s, where R = reach sin s: |R| cannot exceed the reach, and near it
    the density is smooth in s, though not in R. It is even in R.
    """

    def __init__(self, n: int) -> None:
        import numpy as np
        from numpy.polynomial import chebyshev, legendre

        self.n = n
        self.reach = math.sqrt(n)
        self._chebyshev = chebyshev
        self._np = np
        count = _POINTS * max(1, math.ceil(math.sqrt(n / 100.0)))
        angles = (np.arange(count) + 0.5) * (math.pi / count)
        self._s = (np.cos(angles) + 1.0) * (math.pi / 4.0)
        # From values at the Chebyshev points to coefficients: the points are orthogonal.
        self._transform = np.cos(np.outer(np.arange(count), angles)) * (2.0 / count)
        self._transform[0] /= 2.0
        self._nodes, self._weights = legendre.leggauss(count)
        self._keep(_scale(n - 1) * np.cos(self._s) ** (n - 3) / self.reach)

    def _keep(self, density: Figures) -> None:
        """Take the density at the points, and the integral of it up to each s."""
        self._density: Figures = self._transform @ density
        over_s = self._transform @ (density * self.reach * self._np.cos(self._s))
        self._below = self._chebyshev.chebint(over_s, scl=math.pi / 4.0, lbnd=-1.0)

    def _at(self, r: Figures) -> Figures:
        s = self._np.arcsin(self._np.minimum(self._np.abs(r) / self.reach, 1.0))
        return self._series(s, self._density)

    def _mass_below(self, s: Figures) -> Figures:
        """The probability that R lies between 0 and reach sin s."""
        return self._series(s, self._below)

    def _series(self, s: Figures, coefficients: NDArray[np.float64]) -> Figures:
        found = self._chebyshev.chebval(s * (4.0 / math.pi) - 1.0, coefficients)
        return found.astype(self._np.float64, copy=False)

    def beyond(self, edge: float) -> float:
        """The probability that no look has ended the path yet, and that |R| is above the edge."""
        np = self._np
        s = np.array([math.asin(min(edge / self.reach, 1.0)), math.pi / 2.0])
        inside, whole = self._mass_below(s)
        return 2.0 * float(whole - inside)

    def edge(self, probability: float) -> float:
        """The edge that |R| exceeds with that probability, on a path that nothing has ended."""
        np = self._np
        low, high = 0.0, math.pi / 2.0
        whole = self._mass_below(np.array([high]))[0]
        for _ in range(4):
            s = np.linspace(low, high, _POINTS)
            place = int((2.0 * (whole - self._mass_below(s)) > probability)[1:-1].sum())
            low, high = float(s[place]), float(s[place + 1])
        return self.reach * math.sin((low + high) / 2.0)

    def go_on(self, edge: float | None = None) -> None:
        """End the paths beyond the edge; of the others, go on to the R of one figure more."""
        np = self._np
        bend = math.atan(self.reach if edge is None else edge)
        reach = math.hypot(1.0, math.tan(bend))
        after = (reach * np.sin(self._s))[:, None]
        # Where |R| is below the edge; beyond the width a figure is too improbable to count.
        width = min(math.pi / 2.0, _NEGLIGIBLE / math.sqrt(self.n))
        low = np.clip(self._s - bend, -width, width)
        high = np.clip(np.minimum(self._s + bend, math.pi - self._s - bend), -width, width)
        half = np.maximum(high - low, 0.0)[:, None] / 2.0
        b = low[:, None] + half * (self._nodes + 1.0)
        before = (after - np.sin(b)) / np.cos(b)
        integrand = self._at(before) * np.cos(b) ** (self.n - 2)
        density = _scale(self.n) * half[:, 0] * (integrand @ self._weights)
        self.n += 1
        self.reach = reach
        self._keep(density)


def _scale(degrees: int) -> float:
    """What makes cos(b)^(degrees - 1) over (-π/2, π/2) a density: that of arctan(t/√degrees)."""
    log = math.lgamma((degrees + 1) / 2.0) - math.lgamma(degrees / 2.0)
    return math.exp(log) / math.sqrt(math.pi)


def half_width(blocks: int, sd: float, alpha: float, looks: Looks | None = None) -> float:
    """Half the width of the interval, in units of `sd`, for that many blocks (at least two)."""
    return critical(blocks, alpha, looks) * sd / math.sqrt(blocks)


def seen_from(
    blocks: int, sd: float, alpha: float, looks: Looks | None = None, wider: float = 1.0
) -> float:
    """The distance from a bound at which an interval excludes it with POWER, in units of `sd`.

    (t(1 - alpha/2) + t(POWER)) standard errors: the usual approximation to the noncentral t. The
    first of the two is as the looks have it, and `wider` times as large.
    """
    error = sd / math.sqrt(blocks)
    return wider * half_width(blocks, sd, alpha, looks) + t_quantile(POWER, blocks - 1) * error


def blocks_needed(
    distance: float, sd: float, alpha: float, looks: Looks | None = None
) -> int | None:
    """The fewest blocks that would see an effect of that size with POWER, in units of `sd`.

    None if MOST_ADVISED would not do. The spread is taken to stay as it was. Of a run with several
    looks it is the block of the last: what these cost is taken to be as it is in this run.
    """
    if distance <= 0.0:
        return None
    wider = 1.0
    if looks is not None and not looks.fixed:
        wider = looks.critical(looks.most, alpha) / critical(looks.most, alpha)
    normal = wider * t_quantile(1.0 - alpha / 2.0, _MANY) + t_quantile(POWER, _MANY)
    # The t distribution has heavier tails than the normal: fewer than this are never enough.
    fewest = (normal * sd / distance) ** 2 if sd < distance * MOST_ADVISED else math.inf
    if fewest > MOST_ADVISED:
        return None
    blocks = max(FEWEST_BLOCKS, math.floor(fewest))
    while seen_from(blocks, sd, alpha, wider=wider) > distance:
        blocks += 1
        if blocks > MOST_ADVISED:
            return None
    return blocks
