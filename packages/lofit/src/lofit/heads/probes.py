"""Logistic regressions on every head at once: Newton steps on all d x d systems together."""

from typing import Any


def fit_probes(x: Any, y: Any, *, c: float = 1.0, max_iter: int = 100, tol: float = 1e-6) -> Any:
    """Fit one L2-regularised logistic regression a head, scikit-learn's objective.

    Minimises |w|^2 / 2 + c * sum of log-losses, the intercept unpenalised, by damped Newton steps
    (IRLS) in float64 for all heads together.

    Parameters
    ----------
    x : activations, shape (N, P, d): N statements, P heads.
    y : labels 0 or 1, shape (N,).

    Returns
    -------
    Weights and intercept, float64, shape (P, d + 1).
    """
    import torch

    features = torch.cat([x.double(), x.new_ones(*x.shape[:2], 1).double()], 2).transpose(0, 1)
    target = y.double()[None]
    n_heads, _, width = features.shape
    penalty = torch.ones(width, dtype=torch.float64)
    penalty[-1] = 0.0
    weights = torch.zeros(n_heads, width, dtype=torch.float64)

    def loss(w: Any) -> Any:
        margin = torch.einsum("pnd,pd->pn", features, w)
        nll = torch.nn.functional.softplus(margin) - target * margin
        return c * nll.sum(1) + 0.5 * (penalty * w**2).sum(1)

    current = loss(weights)
    for _ in range(max_iter):
        chance = torch.einsum("pnd,pd->pn", features, weights).sigmoid()
        gradient = c * torch.einsum("pnd,pn->pd", features, chance - target) + penalty * weights
        if float(gradient.abs().max()) < tol * max(1, len(y)):
            break
        curvature = chance * (1 - chance)
        hessian = c * torch.einsum("pnd,pn,pne->pde", features, curvature, features)
        hessian = hessian + torch.diag(penalty + 1e-9)
        step = torch.linalg.solve(hessian, gradient)
        size = torch.ones(n_heads, 1, dtype=torch.float64)
        for _ in range(20):  # halve the steps of the heads whose loss would rise
            proposed = weights - size * step
            new = loss(proposed)
            worse = new > current + 1e-12
            if not bool(worse.any()):
                break
            size[worse] /= 2
        better = ~worse[:, None]
        weights = torch.where(better, proposed, weights)
        current = torch.where(better[:, 0], new, current)
    return weights


def probe_accuracy(weights: Any, x: Any, y: Any) -> Any:
    """Share of right labels of each probe, float64, shape (P,)."""
    import torch

    margin = torch.einsum("npd,pd->np", x.double(), weights[:, :-1]) + weights[:, -1]
    return ((margin > 0) == (y[:, None] > 0)).double().mean(0)
