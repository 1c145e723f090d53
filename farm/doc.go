// Package farm runs mining farms: it sees every machine, and says what is lost and why.
//
// This package holds what its sub-packages share: amounts of hashing work, what work is worth
// (the hashprice), and refusals. The rest has rooms of its own:
//
//	farm/protocol   what machines say on their management ports, read into one Reading
//	farm/fleet     which machines there are and where; finding, importing and polling them
//	farm/telemetry    the embedded store of what was polled
//	farm/alert     what needs a person now
//	farm/usage       use coefficients and reserves: the waterfall from nameplate to accepted work
//	farm/records      a farm's folder, and what is in it added up
//	farm/monitor     the monitor: polls, stores, raises alarms
//	farm/control   reboot, pool, sleep and wake, with an audit trail
//	farm/tune      the profile in which each machine earns most, found by trying
//	farm/simulate  a test peer that answers as firmwares do
//	farm/daily   the daily report, the month's report and its seal
//
// It belongs to the mining line and may import money, params, txlog, bitcoin and pool.
//
// Invariants: work is integer hashes and value integer micro-satoshi, so that sums over machines,
// racks, hours and causes agree exactly; nothing is rounded but for display.
package farm
