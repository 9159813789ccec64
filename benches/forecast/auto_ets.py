"""CPU seconds a series that AutoETS of statsforecast takes: a fit, 288 steps ahead, 80 % and 95 % intervals.

The argument is a JSON file of series. Compiling is not counted.
"""

import json
import sys
import time

import numpy as np
import statsforecast
from statsforecast.models import AutoETS

with open(sys.argv[1]) as file:
    series = [np.array(values) for values in json.load(file)]
forecast = lambda values, steps: AutoETS(season_length=288).forecast(y=values, h=steps, level=[80, 95])
forecast(series[0][:600], 12)
began = time.process_time()
for values in series:
    forecast(values, 288)
took = (time.process_time() - began) / len(series)
print(f"{took:.3f} s a series, version {statsforecast.__version__}")
