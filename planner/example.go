package planner

// ExampleFile is a plan to begin with. Its prices are examples, no quotation.
const ExampleFile = `# A farm's plan. Amounts are in tenge unless a key says otherwise; rates are a year's.
name = "Ekibastuz 2027"
start = "2027-01"
months = 60
paths = 2000                    # imagined futures
seed = 1
lambda = 0.5                    # how much the mean of the worst 5 % weighs against the mean of all
capital_kzt = "1_500_000_000"   # for machines, over all dates
discount_rate = "20%"
deposit_rate = "14%"            # what tenge in the bank earn

[rate]
usd_kzt = "520.00"
date = "2026-11-20"
depreciation = "5%"             # of the tenge, a year

[site]
hosting = "own"                 # own: a data centre of one's own, licence of kind I; hosted: another's, kind II
licence_from = "2025-03-01"
power = "bought"                # bought, renewable, own, own-renewable: decides the levy
pue = 1.05
limit_kw = 10_000
grid_fee = "4.50"               # a kWh, before VAT
monthly_cost_kzt = "6_000_000"  # people, rent, repairs
uptime = 0.97
pool_fee = "1%"
sale_cost = "0.5%"

[[tariff]]
from = "2026-01-01"
price = "11.50"                 # a kWh, before VAT and fees

[[tariff]]
from = "2028-01-01"
price = "12.50"

[[tariff]]
from = "2030-01-01"
price = "14.00"

[[fleet]]
model = "Antminer S19j Pro"
count = 1_200
bought = "2023-06"
price_kzt = "700_000"
resale_kzt = "120_000"
life_months = 48                # over which tax writes it off
retire = ["2027-01", "2027-07", "2028-05"]   # months to consider; never is always considered

[[offer]]
model = "Antminer S21"
price_usd = 1_800
from = "2027-01-01"
until = "2028-12-31"
most = 2_000
delivery_months = 2
life_months = 48
resale = "15%"                  # of its price, at the plan's end

[[offer]]
model = "Antminer S21 XP"
price_usd = 3_400
from = "2027-01-01"
until = "2029-12-31"
delivery_months = 2
life_months = 48
resale = "20%"

[decisions]
dates = ["2027-01", "2027-07", "2028-06"]
counts = [0, 250, 500, 1000]    # machines of a model at a date
hold = [0, "50%"]               # share of the coins kept, of those that need not be sold
effort = 20_000                 # nodes that the search may open

[price]
kind = "garch"                  # fixed, replay (daily prices from a file), garch (aqsha market garch --parameters)
file = "garch.json"
usd = 95_000
growth = "25%"                  # a year, expected

[network]
difficulty = 150e12
fees_btc = 0.02
lag_months = 4                  # from order to hashing
elasticity = 0.15               # of monthly orders to ln(hashprice / cost of entry)
max_growth = "6%"               # a month, at most
attrition = "1.2%"              # a month
entry_usd_per_ths = 15
entry_jth = 15
entry_power_usd = 0.055
entry_return = "15%"
entry_months = 48
improvement = "12%"             # a year, by which entrants' machines get better
median_opex_usd = 0.030         # power for a TH/s and day, of the median machine today

[loan]
share = "30%"                   # of each purchase
rate = "21%"
months = 24
`

// ExampleModel is a volatility model to try the sample with; made up, fitted to nothing.
const ExampleModel = `{
  "format": "aqsha-market-parameters/1",
  "origin": {"note": "made up for the sample plan; fitted to nothing"},
  "last_price": 95000,
  "last_day": "2026-11-20",
  "mean_return": 0.1,
  "model": "garch",
  "law": "t",
  "values": {"omega": 0.25, "alpha": 0.07, "beta": 0.9, "nu": 5},
  "h_next": 7.5,
  "stationary": true
}
`
