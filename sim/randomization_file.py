"""Randomization files: YAML with a format version, checked, written whole.

A params file works as well: its covariance and standard deviations are the posterior.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from forearm.core.errors import FileError, ForearmError, LimitError, UnknownNameError
from forearm.core.files import describe, read_structured, write_yaml
from forearm.core.params import Params

from .distribution import Distribution, Number
from .distributions import Choice, Constant, LogUniform, Normal, Uniform
from .posterior import Posterior
from .presets import PRESETS
from .randomization import Randomization
from .terms import Absolute, Additive, Multiplicative, Term

FORMAT: Final = 1
"""Version of the file layout."""

Numbers = float | list[float]
"""One number for all values, or one each."""

MODES: dict[str, type[Term]] = {
    "add": Additive,
    "scale": Multiplicative,
    "set": Absolute,
}
"""What the draw does to the nominal value."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class NormalContent(_Strict):
    """A truncated normal distribution."""

    mean: Numbers
    """Mean before truncation."""
    std: Numbers
    """Standard deviation before truncation."""
    low: Numbers | None = None
    """Smallest draw; three standard deviations below the mean where missing."""
    high: Numbers | None = None
    """Largest draw; three standard deviations above the mean where missing."""


class TermContent(_Strict):
    """One term: exactly one distribution."""

    mode: Literal["add", "scale", "set"]
    """What the draw does to the nominal value."""
    uniform: tuple[Numbers, Numbers] | None = None
    """Lowest and highest."""
    log_uniform: tuple[Numbers, Numbers] | None = None
    """Lowest and highest, positive."""
    normal: NormalContent | None = None
    """Truncated normal."""
    choice: list[float] | None = None
    """Values that are equally likely."""
    constant: Numbers | None = None
    """Always this."""
    shared: bool = False
    """One draw for all values."""
    every: float | None = None
    """Draw again after this time within an episode [s]."""


class PosteriorContent(BaseModel):
    """Correlated values."""

    model_config = ConfigDict(extra="forbid")

    names: list[str] = Field(max_length=200)
    """Value names, ``param[index]``."""
    mean: list[float] | None = None
    """Mean; the simulator's nominal values where missing."""
    covariance: list[list[float]]
    """Symmetric, positive semi-definite, in the units of the values."""
    low: list[float] | None = None
    """Smallest values; the physical minimum where missing."""
    high: list[float] | None = None
    """Largest values; the physical maximum where missing."""


class RandomizationContent(_Strict):
    """The content of a randomization file."""

    format: Literal[1] = FORMAT
    robot: str | None = None
    """The only arm it is meant for, if any."""
    preset: str | None = None
    """Preset whose terms hold where this file says nothing."""
    terms: dict[str, TermContent] = Field(default_factory=dict)
    """Term by quantity."""
    posterior: PosteriorContent | None = None
    """Correlated draws; replaces the preset's terms of the same quantities."""
    notes: dict[str, Any] = Field(default_factory=dict)
    """Free-form provenance."""


def find_randomization(name: str) -> Randomization:
    """Return the preset or the file called ``name``.

    Raises:
        UnknownNameError: there is neither.
        FileError: the file cannot be used.
    """
    if name in PRESETS:
        return PRESETS[name]
    if Path(name).suffix in (".yaml", ".yml", ".json") or Path(name).is_file():
        return load_randomization(name)
    raise UnknownNameError("randomization", name, [*PRESETS, "a YAML file"])


def load_randomization(path: str | Path) -> Randomization:
    """Read a randomization file, or a params file as the posterior it holds.

    Raises:
        FileError: missing, too large, unknown fields, or ranges that make no sense.
    """
    content = read_structured(path)
    try:
        if isinstance(content, dict) and "params" in content and "joints" in content:
            return from_params(Params.model_validate(content), str(path))
        return _build(RandomizationContent.model_validate(content), str(path))
    except ValidationError as error:
        raise FileError(path, describe(error)) from error
    except FileError:
        raise
    except ForearmError as error:
        raise FileError(path, str(error)) from error


def _build(content: RandomizationContent, name: str) -> Randomization:
    posterior = None
    if content.posterior is not None:
        p = content.posterior
        posterior = Posterior(
            tuple(p.names),
            tuple(tuple(row) for row in p.covariance),
            *(None if v is None else tuple(v) for v in (p.mean, p.low, p.high)),
        )
    if content.preset is not None and content.preset not in PRESETS:
        raise UnknownNameError("preset", content.preset, PRESETS)
    base = PRESETS[content.preset].terms if content.preset else {}
    known = posterior.places if posterior else {}
    terms = {n: t for n, t in base.items() if n not in known}
    for quantity, term in content.terms.items():
        try:
            terms[quantity] = _term(term)
        except LimitError as error:
            raise LimitError(f"{quantity}: {error}") from error
    return Randomization(terms, posterior, name, content.robot)


def _number(value: Numbers) -> Number:
    return tuple(value) if isinstance(value, list) else value


def _term(content: TermContent) -> Term:
    found: list[Distribution] = []
    for kind, build in (("uniform", Uniform), ("log_uniform", LogUniform)):
        given = getattr(content, kind)
        if given is not None:
            found.append(build(*map(_number, given)))
    if content.normal is not None:
        n = content.normal
        low, high = (None if v is None else _number(v) for v in (n.low, n.high))
        found.append(Normal(_number(n.mean), _number(n.std), low, high))
    if content.choice is not None:
        found.append(Choice(tuple(content.choice)))
    if content.constant is not None:
        found.append(Constant(_number(content.constant)))
    if len(found) != 1:
        raise LimitError(
            f"needs exactly one of uniform, log_uniform, normal, choice, constant; "
            f"got {len(found)}"
        )
    return MODES[content.mode](found[0], content.shared, content.every)


def from_params(params: Params, name: str = "params") -> Randomization:
    """Return what a calibration knows as a randomization.

    The covariance where there is one; standard deviations of values outside of it are
    independent. Values without either do not vary.

    Raises:
        LimitError: the params hold neither.
    """
    names: list[str] = list(params.covariance.names) if params.covariance else []
    inner = len(names)
    spread: list[float] = []
    for parameter, content in params.params.items():
        for i, std in enumerate(content.std or []):
            if std > 0 and f"{parameter}[{i}]" not in names[:inner]:
                names.append(f"{parameter}[{i}]")
                spread.append(std)
    if not names:
        raise LimitError(
            "the params hold no covariance and no standard deviations to draw from"
        )
    matrix = np.zeros((len(names),) * 2)
    if params.covariance:
        matrix[:inner, :inner] = params.covariance.matrix
    matrix[range(inner, len(names)), range(inner, len(names))] = np.square(spread)
    covariance = tuple(tuple(row) for row in matrix.tolist())
    posterior = Posterior(tuple(names), covariance)
    value = {n: np.array(p.value) for n, p in params.params.items()}
    for quantity, (index, _) in posterior.places.items():
        if max(index) >= len(value.get(quantity, ())):
            raise LimitError(f"the covariance names {quantity}, whose value is missing")
    mean = tuple(posterior.centre(value).tolist())
    posterior = Posterior(posterior.names, covariance, mean)
    return Randomization({}, posterior, name, params.robot)


def save_randomization(
    path: str | Path, randomization: Randomization, notes: dict[str, Any] | None = None
) -> None:
    """Write a randomization file; :func:`load_randomization` returns the same.

    Raises:
        LimitError: a term's distribution comes from arithmetic that has no file form.
        FileError: the file cannot be written.
    """
    p = randomization.posterior
    content = RandomizationContent(
        robot=randomization.robot,
        terms={n: _content(n, t) for n, t in randomization.terms.items()},
        posterior=None if p is None else PosteriorContent.model_validate(_plain(p)),
        notes=notes or {},
    )
    write_yaml(path, content)


def _plain(value: Distribution | Posterior) -> dict[str, Any]:
    def lists(item: Any) -> Any:
        return [lists(i) for i in item] if isinstance(item, tuple) else item

    fields = value.__dataclass_fields__  # type: ignore[union-attr]
    return {name: lists(getattr(value, name)) for name in fields}


def _content(name: str, term: Term) -> TermContent:
    mode = next(m for m, kind in MODES.items() if type(term) is kind)
    d, plain = term.distribution, _plain(term.distribution)
    forms: dict[type[Distribution], tuple[str, Any]] = {
        Uniform: ("uniform", [plain.get("low"), plain.get("high")]),
        LogUniform: ("log_uniform", [plain.get("low"), plain.get("high")]),
        Normal: ("normal", plain),
        Choice: ("choice", plain.get("values")),
        Constant: ("constant", plain.get("value")),
    }
    if type(d) not in forms:
        raise LimitError(f"{name}: {d} cannot be written to a file")
    kind, value = forms[type(d)]
    return TermContent.model_validate(
        {"mode": mode, kind: value, "shared": term.shared, "every": term.every}
    )
