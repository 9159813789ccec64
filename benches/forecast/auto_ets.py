"""CPU seconds a series that AutoETS of statsforecast takes: a fit, 288 steps ahead, 80 % and 95 % intervals.

The arguments are a JSON file of series and the season in steps: 1 is AutoETS without a season, which is what people run
at 5 minutes, as a season of 288 takes it minutes a series. Compiling is not counted.
"""

import json
import sys
import time

import numpy as np
import statsforecast
from statsforecast.models import AutoETS

with open(sys.argv[1]) as file:
    series = [np.array(values) for values in json.load(file)]
season = int(sys.argv[2])
forecast = lambda values, steps: AutoETS(season_length=season).forecast(y=values, h=steps, level=[80, 95])
forecast(series[0][:600], 12)
began = time.process_time()
for values in series:
    forecast(values, 288)
took = (time.process_time() - began) / len(series)
print(f"{took:.3f} s a series, version {statsforecast.__version__}")
