package site

// ExampleFile is a power file to begin with; its prices are examples, no quotation.
const ExampleFile = `# A site's machines, tariffs, limits and market. Amounts are in tenge.
name = "Ekibastuz"
day = "2026-11-25"
zone = "north-south"            # or "west"
source = "bought"               # bought, renewable, own, own-renewable, unmetered: decides the levy
pue = 1.05                      # power of the whole site over that of the machines
limit_kw = 2_400                # the contract's, at the meter
ramp_kw = 1_500                 # most change from an hour to the next; 0: any
min_run_hours = 2
min_rest_hours = 1
start_minutes = 10              # power without hashes after a start
running = false                 # were the machines on before the day?

grid_fee = "4.50"               # a kWh, before VAT
pool_fee = "1%"
sale_cost = "0.5%"              # of coins sold; the share that must be sold comes from the law's day
bitcoin_kzt = "50_000_000"
block_reward_btc = "3.145"      # subsidy and mean fees
difficulty = 150_000_000_000_000

[[machines]]
model = "Antminer S19j Pro"
count = 300

[[machines]]
model = "Antminer S21"
count = 400

# Of tariffs that cover an hour, the one from the latest day holds, and of those of a day the last.
[[tariff]]
from = "2026-01-01"
price = "21.00"

[[tariff]]
from = "2026-01-01"
hours = "18-23"
price = "33.00"

[[tariff]]
from = "2026-11-01"
hours = "0-7"
price = "14.50"

[[tariff]]
from = "2026-11-01"
zone = "west"                   # of that zone alone: not this site's
price = "16.00"

# Where the contract gives less in some hours.
[[limit]]
hours = "18-21"
kw = 1_500

# A curtailment that was announced before the day; one that comes during it is given with --curtail and --at.
# [[curtailment]]
# hours = "14-17"
# kw = 500

[auction]
floor = "5.00"
cap = "60.00"
window_days = 60
half_life_days = 14
`
