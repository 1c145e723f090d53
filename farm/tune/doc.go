// Package tune finds the power profile in which each machine of a group earns most at one price of work and of power,
// by trying: it measures rates and watts in each, lets each machine run in its best one, and compares the group with
// machines that were left as they were.
//
// What is decided (Split, Best, GainOf) is pure; Run gives orders and measures. It may import farm and its rooms, money
// and gonum's distributions.
//
// Invariants: nothing is chosen by nameplates, only by what machines said of themselves; whoever cannot be measured,
// and everybody when the gain is not shown or Run is stopped, is ordered back into the first profile.
package tune
