// Package device is two machines that pay each other with nobody present: a charger and a car, simulated as machines,
// real as wallets. The car pays by ticks of a hash chain over a connection, each line of which is a JSON message.
package device
