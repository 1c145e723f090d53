# Realised kernels by arch.covariance.kernel.Parzen, for kernel.json.
import json, math
import numpy as np
from arch.covariance.kernel import Parzen

rng = np.random.default_rng(26)
days = []
for n, noise in ((24, 0.0), (24, 0.3), (288, 0.05), (288, 0.5), (700, 0.1)):
    price = np.cumsum(np.r_[0, rng.standard_t(4, n) * 2 / math.sqrt(n)]) + noise * rng.standard_normal(n + 1)
    r = np.round(np.diff(price), 9)
    price = np.r_[0, np.cumsum(r)]
    step = max(1, n // 72)
    sparse = np.mean([np.sum(np.diff(price[i::step]) ** 2) for i in range(step)])
    xi2 = np.mean(r ** 2) / 2 / sparse
    h = min(math.ceil(3.5134 * xi2 ** 0.4 * n ** 0.6), n - 3)
    ends = np.r_[(price[0] + price[1]) / 2, price[2:-2], (price[-2] + price[-1]) / 2]
    x = np.diff(ends)
    cov = Parzen(x[:, None], bandwidth=h, center=False, force_int=True).cov.long_run
    days.append({"returns": r.tolist(), "bandwidth": h, "kernel": float(np.asarray(cov).ravel()[0] * len(x))})
json.dump(days, open("kernel.json", "w"))
for d in days: print(len(d["returns"]), d["bandwidth"], d["kernel"], sum(v * v for v in d["returns"]))
