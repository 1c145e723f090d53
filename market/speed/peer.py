# Fits the same models to the same returns (standard input, one a line) with
# Python's arch, and prints CPU milliseconds (median) and log-likelihood by model.
import sys, json, time, warnings
import numpy as np
from arch.univariate import ZeroMean, GARCH, APARCH, FIGARCH, Normal, StudentsT, SkewStudent, GeneralizedError
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
    "garch(1,1) hansen": (GARCH(1, 0, 1), SkewStudent()),
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
    out[name] = {"millis": sorted(times)[len(times) // 2], "log_lik": fit.loglikelihood}
json.dump(out, sys.stdout)
