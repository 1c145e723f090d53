// Package params holds dated facts: what a law, a tariff or a catalogue says,
// from which day, and where that is written. Code asks for the value on a day;
// no law is a constant in code.
//
// It belongs to the common ground and imports only money and the standard library.
package params
