# Fits the same models to the same returns (standard input, one a line) with
# Python's arch, statsmodels and scipy, and prints CPU milliseconds (median) and
# log-likelihood, or the statistic, by model.
import sys, json, time, warnings
import numpy as np
from arch.univariate import ZeroMean, GARCH, EGARCH, APARCH, FIGARCH, Normal, StudentsT, SkewStudent, GeneralizedError
warnings.filterwarnings("ignore")
r = np.array([float(x) for x in sys.stdin.read().split()])
models = {
    "garch(1,1) normal": (GARCH(1, 0, 1), Normal()),
    "garch(2,2) t": (GARCH(2, 0, 2), StudentsT()),
    "gjr(1,1) t": (GARCH(1, 1, 1), StudentsT()),
    "tgarch(1,1) t": (GARCH(1, 1, 1, power=1.0), StudentsT()),
    "aparch(1,1) t": (APARCH(1, 1, 1), StudentsT()),
    "figarch normal": (FIGARCH(1, 1), Normal()),
    "garch(1,1) ged": (GARCH(1, 0, 1), GeneralizedError()),
    "garch(1,1) t": (GARCH(1, 0, 1), StudentsT()),
    "garch(1,1) hansen": (GARCH(1, 0, 1), SkewStudent()),
    "egarch(1,1) t": (EGARCH(1, 1, 1), StudentsT()),
}
out = {}
for name, (volatility, law) in models.items():
    times = []
    for _ in range(int(sys.argv[1])):
        m = ZeroMean(r)
        m.volatility, m.distribution = volatility, law
        begun = time.process_time()
        fit = m.fit(disp="off")
        times.append(1000 * (time.process_time() - begun))
    out[name] = {"peer": "arch", "millis": sorted(times)[len(times) // 2], "log_lik": fit.loglikelihood}

from arch.unitroot import PhillipsPerron
from scipy import optimize, stats
from statsmodels.tsa.api import VAR
from statsmodels.tsa.regime_switching.markov_regression import MarkovRegression

def regimes():
    return MarkovRegression(r, k_regimes=2, switching_variance=True).fit(disp=False).llf

def connectedness():
    b = 0.5 * r + r[::-1]
    v = VAR(np.column_stack([r, b, np.roll(r, -(len(r) // 2)) + 0.5 * b])).fit(2)
    psi, sigma = v.ma_rep(9), v.sigma_u
    theta = sum((a @ sigma) ** 2 for a in psi) / np.diag(sigma) / np.diag(sum(a @ sigma @ a.T for a in psi))[:, None]
    theta = theta / theta.sum(axis=1, keepdims=True)
    return 100 * (theta.sum() - np.trace(theta)) / 3

def tail():
    u = np.quantile(-r, 0.9)
    y = -r[-r > u] - u
    shape, _, scale = stats.genpareto.fit(y, floc=0)
    return stats.genpareto.logpdf(y, shape, scale=scale).sum()

def phillips():
    return PhillipsPerron(np.cumsum(r), lags=12).stat

def whittle():
    x = np.abs(r)
    m = 139
    periodogram = np.abs(np.fft.fft(x - x.mean())[1:m + 1]) ** 2 / (2 * np.pi * len(x))
    w = 2 * np.pi * np.arange(1, m + 1) / len(x)
    f = lambda d: np.log(np.mean(w ** (2 * d) * periodogram)) - 2 * d * np.mean(np.log(w))
    return optimize.minimize_scalar(f, bounds=(-0.5, 1), method="bounded", options={"xatol": 1e-8}).x

for name, peer, model in (("regimes, 2", "statsmodels", regimes), ("connectedness, 3 series", "statsmodels", connectedness),
                          ("pareto tail", "scipy", tail), ("phillips-perron", "arch", phillips), ("local whittle", "numpy, scipy", whittle)):
    times = []
    for _ in range(int(sys.argv[1])):
        begun, fits = time.process_time(), 0
        while fits == 0 or time.process_time() - begun < 0.005 and fits < 200:
            said = model()
            fits += 1
        times.append(1000 * (time.process_time() - begun) / fits)
    out[name] = {"peer": peer, "millis": sorted(times)[len(times) // 2], "log_lik": float(said)}
json.dump(out, sys.stdout)
