// Package fleet knows which machines there are, where they stand and how to reach them: the inventory
// and its import, scanning, talking to machines and polling all of them.
//
// A machine is its serial number or its hardware address, never its IP address, which changes. Its
// place is site, container, rack and shelf.
//
// observe.go makes of a reading the poll (usage.Poll) that is stored and accounted for; farm/telemetry keeps it.
//
// It imports farm, farm/protocol, farm/usage and params. Talking never writes: control is farm/control.
//
// Invariants: replies are limited in size and time; one machine's silence delays no other; nothing but
// the inventory file is written, and that whole or not at all.
package fleet
