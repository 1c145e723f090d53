// Package simulate is a test peer: mining machines that do not exist. They answer on loopback
// addresses as firmwares do, with realistic noise, and break on demand. Wherever their data appear
// they are called simulated: their models begin with "Simulated", their workers with "simulated".
//
// A Unit is one machine as a function of time and seed; a Server lets units answer on the network.
//
// It imports farm/protocol and farm/usage for the vocabulary and params for the catalogue; the parsers
// never see how a unit works, only what it says.
package simulate
