// Package drill rehearses the loss of machines: it founds networks in folders of its own, runs their nodes as processes
// of this program, has clients pay, plays a fault, and counts what was answered and is lost.
package drill
