// Package records keeps a farm's folder and adds up what is in it: fleet, samples, marks (when and why
// machines were not meant to run), prices and site meters, into totals by machine, place and time.
//
//	fleet.json   the inventory                     farm/fleet
//	samples/     what was polled                   farm/telemetry
//	farm.toml    settings, every one with a default
//	marks.csv    from,to,selector,state,why
//	prices.csv   from,difficulty,reward_btc,bitcoin_kzt
//	meter.csv    from,to,site,kwh
//
// Invariants: a day's account depends only on its polls, those up to two days around it, and marks;
// once it is summed up it never changes, and marks that reach into it are refused; totals of parts
// add up to the whole's exactly.
package records
