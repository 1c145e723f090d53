# Computes, from the synthetic set, the figures of the models beyond GARCH that
# "aqsha market verify" compares: with statsmodels, scipy and numpy, and with R's
# strucchange for breaks of the mean. Nothing here knows the Go code.
#   aqsha market demo --data demo && python beyond.py demo > ../expected_beyond.json
import json, math, subprocess, sys, warnings
import numpy as np, pandas as pd
from scipy import optimize, stats
from statsmodels.tsa.api import VAR
from statsmodels.tsa.regime_switching.markov_regression import MarkovRegression
from statsmodels.regression.linear_model import OLS
warnings.filterwarnings("ignore")
dir = sys.argv[1]

def read(name, column):
    f = pd.read_csv(f"{dir}/{name}", comment="#")
    return f.set_index(f.columns[0])[column].dropna()

def returns(prices):
    return (100 * np.log(prices).diff()).dropna()

out = {}
price = read("cm_btc_daily.csv", "PriceUSD")
r = returns(price).loc["2019-01-01":"2021-12-31"]
x = r.to_numpy()

# Variance breaks, brute force.
def statistic(y, robust):
    n, s = len(y), y * y
    c, k = np.cumsum(s), np.arange(1, len(y) + 1)
    d = np.abs(c - k / n * c[-1])
    if robust:
        e, lags = s - s.mean(), min(n - 1, int(4 * (n / 100) ** (2 / 9)))
        omega = e @ e / n + sum(2 * (1 - l / (lags + 1)) * (e[l:] @ e[:-l]) / n for l in range(1, lags + 1))
        d = d / np.sqrt(n * omega)
    else:
        d = d / c[-1] * np.sqrt(n / 2)
    d[:3] = 0          # no break in the outermost four observations
    d[n - 4:] = 0
    return int(np.argmax(d)) + 1, d.max()

def icss(y, robust):
    y = y - y.mean()
    def halves(a, b):
        if b - a < 40: return []
        at, s = statistic(y[a:b], robust)
        return halves(a, a + at) + [a + at] + halves(a + at, b) if s > 1.358 else []
    points = halves(0, len(y))
    for _ in range(20):
        e = [0] + points + [len(y)]
        kept = sorted({e[i - 1] + statistic(y[e[i - 1]:e[i + 1]], robust)[0] for i in range(1, len(e) - 1)
                       if e[i + 1] - e[i - 1] >= 40 and statistic(y[e[i - 1]:e[i + 1]], robust)[1] > 1.358})
        if kept == points: break
        points = kept
    return points
out["icss"] = icss(x, False)
out["icss_robust"] = icss(x, True)
out["icss_statistic"] = statistic(x - x.mean(), True)[1]

# Breaks of the mean of |r|, R.
program = """suppressMessages(library(strucchange)); y <- abs(scan("stdin", quiet=TRUE)); b <- breakpoints(y ~ 1, h=0.15, breaks=4)
f <- function(v) paste(format(v, digits=17), collapse=","); s <- summary(b)
cat(f(s$RSS[1,]), f(s$RSS[2,]), length(breakpoints(b)$breakpoints), paste(breakpoints(b, breaks=3)$breakpoints, collapse=","), sep="\\n")"""
answer = subprocess.run(["Rscript", "-e", program], input="\n".join(map(repr, map(float, x))), text=True, capture_output=True).stdout.split("\n")
out["bai_perron"] = {"rss": [float(v) for v in answer[0].split(",")], "bic": [float(v) for v in answer[1].split(",")],
                     "best": int(answer[2]), "three": [int(v) for v in answer[3].split(",")]}

# Explosive growth: every regression on its own.
y = np.log(price.loc["2019-01-01":].to_numpy()[::7][:150])
n = len(y)
window = int(n * (0.01 + 1.8 / np.sqrt(n)))
def tau(z):
    fit = OLS(np.diff(z), np.column_stack([np.ones(len(z) - 1), z[:-1]])).fit()
    return fit.tvalues[1]
sequence = [max(tau(y[b:e + 1]) for b in range(e - window + 2)) for e in range(window - 1, n)]
out["gsadf"] = {"window": window, "gsadf": max(sequence), "sadf": max(tau(y[:e + 1]) for e in range(window - 1, n)), "last": sequence[-1]}

# Regimes.
fit = MarkovRegression(x, k_regimes=2, switching_variance=True).fit(search_reps=20, em_iter=50, maxiter=500, tol=1e-12)
polished = fit.params # the fit stops short of the top
for _ in range(3):
    polished = optimize.minimize(lambda th: -fit.model.loglike(th), polished, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-10, "maxiter": 3000, "adaptive": True}).x
p = dict(zip(fit.model.param_names, polished))
order = np.argsort([p["sigma2[0]"], p["sigma2[1]"]])
go = fit.model.regime_transition_matrix(polished)[:, :, 0].T
out["regimes"] = {"loglik": fit.model.loglike(polished), "par": {
    "means": [p[f"const[{i}]"] for i in order], "variances": [p[f"sigma2[{i}]"] for i in order],
    "stay": [go[i][i] for i in order]}}

# Connectedness and dynamic correlations.
three = returns(pd.DataFrame({"btc": price, "gold": read("gold_close.csv", "close"), "sp500": read("sp500_close.csv", "close")}).dropna().loc["2017-01-01":"2021-12-31"])
v = VAR(three.to_numpy()).fit(2)
psi, sigma = v.ma_rep(9), v.sigma_u
theta = sum((a @ sigma) ** 2 for a in psi) / np.diag(sigma) / np.diag(sum(a @ sigma @ a.T for a in psi))[:, None]
theta = theta / theta.sum(axis=1, keepdims=True)
out["connectedness"] = {"table": theta.tolist(), "total": 100 * (theta.sum() - np.trace(theta)) / 3}
z = ((three - three.mean()) / three.std(ddof=0)).to_numpy()
s = z.T @ z / len(z)
def dcc(ab):
    a, b = ab
    if a < 0 or b < 0 or a + b >= 1: return 1e9
    q, total = s.copy(), 0.0
    for t in range(len(z)):
        if t > 0: q = (1 - a - b) * s + a * np.outer(z[t - 1], z[t - 1]) + b * q
        d = np.sqrt(np.diag(q)); c = q / np.outer(d, d)
        total += 0.5 * (z[t] @ z[t] - np.linalg.slogdet(c)[1] - z[t] @ np.linalg.solve(c, z[t]))
    return -total / len(z)
best = min((optimize.minimize(dcc, st, method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-14, "maxiter": 2000}) for st in ([0.02, 0.95], [0.1, 0.5])), key=lambda o: o.fun)
out["dcc"] = {"loglik": -best.fun * len(z), "loglik_constant": -dcc([0, 0]) * len(z)}

# Liquidity of the daily bars.
bars = pd.read_csv(f"{dir}/bitstamp_btcusd_d.csv", comment="#").set_index("date").loc["2021-01-01":"2021-12-31"]
h, l, c, value = (bars[k].to_numpy() for k in ("high", "low", "close", "volume_usd"))
q = 100 * np.diff(np.log(c)); m = value[1:] / 1e6
cov = np.cov(q[1:], q[:-1])[0, 1]
cs = []
for i in range(1, len(c)):
    h1, l1 = h[i], l[i]
    gap = (l1 - c[i - 1] if l1 > c[i - 1] else 0) - (c[i - 1] - h1 if h1 < c[i - 1] else 0)
    h1, l1 = h1 - gap, l1 - gap
    beta = np.log(h[i - 1] / l[i - 1]) ** 2 + np.log(h1 / l1) ** 2
    gamma = np.log(max(h[i - 1], h1) / min(l[i - 1], l1)) ** 2
    alpha = (np.sqrt(2 * beta) - np.sqrt(beta)) / (3 - 2 * np.sqrt(2)) - np.sqrt(gamma / (3 - 2 * np.sqrt(2)))
    cs.append(max(2 * (np.exp(alpha) - 1) / (1 + np.exp(alpha)), 0))
kyle = OLS(q, np.column_stack([np.ones(len(q)), np.sign(q) * np.sqrt(m)])).fit(cov_type="HAC", cov_kwds={"maxlags": 5, "use_correction": False})
out["liquidity"] = {"amihud": np.mean(np.abs(q) / m), "covariance": cov, "corwin_schultz": 100 * np.mean(cs),
                    "kyle": kyle.params[1], "kyle_se": kyle.bse[1]}

# Realised measures of the hourly prices, and realised GARCH on them.
hourly = pd.read_csv(f"{dir}/bitstamp_btcusd_1h.csv", comment="#")
at = pd.to_datetime(hourly["unix"], unit="s")
step = pd.Series((100 * np.log(hourly["close"]).diff()).to_numpy(), index=at).dropna()
days = {d: g.to_numpy() for d, g in step.groupby(step.index.strftime("%Y-%m-%d")) if "2020-01-01" <= d <= "2021-12-31"}
mu = 2 ** (2 / 3) * math.gamma(7 / 6) / math.gamma(1 / 2)
rows = []
for d, u in days.items():
    n, a = len(u), np.abs(u)
    rv, bv = u @ u, np.pi / 2 * n / (n - 1) * (a[1:] @ a[:-1])
    med = np.pi / (6 - 4 * np.sqrt(3) + np.pi) * n / (n - 2) * sum(np.median(a[i:i + 3]) ** 2 for i in range(n - 2))
    tq = n * n / (n - 2) / mu ** 3 * np.sum((a[2:] * a[1:-1] * a[:-2]) ** (4 / 3))
    sparse = np.convolve(u, np.ones(5), "valid")
    each = (n - 4) / 5
    ts = max((sparse @ sparse / 5 - each / n * rv) / (1 - each / n), 0)
    zz = (1 - bv / rv) / np.sqrt((np.pi ** 2 / 4 + np.pi - 5) / n * max(1, tq / bv ** 2))
    rows.append((u.sum(), rv, bv, med, tq, ts, zz, u[u < 0] @ u[u < 0]))
rows = np.array(rows)
out["realised"] = {"days": len(rows), "rv": rows[:, 1].sum(), "bv": rows[:, 2].sum(), "med_rv": rows[:, 3].sum(), "quarticity": rows[:, 4].sum(),
                   "tsrv": rows[:, 5].sum(), "z": rows[:, 6].sum(), "down": rows[:, 7].sum(), "jumps": int((stats.norm.sf(rows[:, 6]) < 0.05).sum())}
rr, lx = rows[:, 0] - rows[:, 0].mean(), np.log(rows[:, 1])
def realgarch(th):
    o, b, g, xi, phi, t1, t2, lu = th
    lh, total = np.log(rows[:, 0].var(ddof=1)), 0.0
    for t in range(len(rr)):
        zt = rr[t] / np.exp(lh / 2)
        u = lx[t] - xi - phi * lh - t1 * zt - t2 * (zt * zt - 1)
        total += -0.5 * (np.log(2 * np.pi) + lh + zt * zt) - 0.5 * (np.log(2 * np.pi) + 2 * lu + u * u * np.exp(-2 * lu))
        lh = o + b * lh + g * lx[t]
        if not np.isfinite(lh) or abs(lh) > 100: return 1e9
    return -total / len(rr)
best = None
for st in ([0.1, 0.6, 0.3, 0, 1, 0, 0.1, -0.5], [0.02, 0.8, 0.15, 0, 1, 0, 0.1, -0.5]):
    for _ in range(6):
        o = optimize.minimize(realgarch, st, method="Nelder-Mead", options={"maxiter": 20000, "maxfev": 20000, "xatol": 1e-10, "fatol": 1e-14, "adaptive": True})
        st = o.x
    if best is None or o.fun < best.fun: best = o
out["realised_garch"] = {"loglik": -best.fun * len(rr), "persistence": best.x[1] + best.x[4] * best.x[2]}

# The tail of losses.
losses = -x
u = np.quantile(losses, 0.9)
beyond = losses[losses > u] - u
nll = lambda th: -stats.genpareto.logpdf(beyond, th[0], scale=np.exp(th[1])).sum()
best = min((optimize.minimize(nll, [k, np.log(beyond.mean())], method="Nelder-Mead", options={"xatol": 1e-12, "fatol": 1e-13, "maxiter": 5000}) for k in (0.1, 0.4, -0.1)), key=lambda o: o.fun)
xi, sigma = best.x[0], np.exp(best.x[1])
var = u + sigma / xi * ((0.01 / (len(beyond) / len(losses))) ** -xi - 1)
out["tail"] = {"threshold": u, "beyond": len(beyond), "loglik": -best.fun, "par": {"shape": xi, "scale": sigma}, "par_var": {"var": var, "es": (var + sigma - xi * u) / (1 - xi)}}
json.dump({"beyond": out}, sys.stdout, indent=1)
