package dialect

// readLuxOS reads LuxOS: stock-like stats, with power and fans in commands of their own.
func readLuxOS(r *Reading, replies []Value) error {
	v := replies[0]
	if err := readSummary(r, v); err != nil {
		return err
	}
	readPools(r, section(v, "pools", "POOLS"))
	if s := statsRow(v); s.OK() {
		readFlatStats(r, s)
	}
	power := section(v, "power", "POWER").At(0)
	r.PowerWatts = power.Get("Watts").Count()
	if fans := section(v, "fans", "FANS"); fans.OK() {
		r.Fans = nil
		readFans(r, fans)
	}
	r.Model = first(r.Model, section(v, "stats", "STATS").At(0).Get("Type").Text())
	r.Sleeping = section(v, "summary", "SUMMARY").At(0).Get("Curtailed").True()
	return nil
}

// readBraiins reads Braiins OS on port 4028: boards as devices, watts from the tuner's estimate.
func readBraiins(r *Reading, replies []Value) error {
	v := replies[0]
	if err := readSummary(r, v); err != nil {
		return err
	}
	readPools(r, section(v, "pools", "POOLS"))
	devices := section(v, "devs", "DEVS")
	readDevices(r, devices)
	for _, d := range devices.Each {
		if nominal := megahashes(d.Get("Nominal MHS"), 1e6); nominal > 0 {
			r.IdealMHs = addCounter(r.IdealMHs, nominal)
		}
	}
	for _, t := range section(v, "temps", "TEMPS").Each {
		r.ChipTemp, r.BoardTemp = hotter(r.ChipTemp, temperature(t.Get("Chip"))), hotter(r.BoardTemp, temperature(t.Get("Board")))
	}
	readFans(r, section(v, "fans", "FANS"))
	tuner := section(v, "tunerstatus", "TUNERSTATUS").At(0)
	r.PowerWatts, r.PowerLimit = tuner.Get("ApproximateMinerPowerConsumption").Count(), tuner.Get("PowerLimit").Count()
	return nil
}
